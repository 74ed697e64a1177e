#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads and writes OP-TEE's REE stores (dirf.db and object files), made from the format alone.

It shares no code with the C library, so that a store which both understand is a store in OP-TEE's
format and not in a dialect of ours. docs/FORMAT.md tells the format. Needs python3-cryptography.

Reading:
    store = Store.open(path, huk=..., ssk=..., huk_compat=True, hash_compat=True, tolerant=False,
                       anchor=None, min_counter=0)
        path is a directory or a mapping of file names to bytes; give huk or ssk. anchor is the root
        hash that dirf.db must have (OP-TEE keeps it in RPMB); without it the head counters choose.
    store.entries              what dirf.db lists: Entry(slot, ta, oid, root_hash, file)
    store.objects              every object, read in full: list of Object, in the order of slots
    store.object(ta, oid)      one Object(ta, oid, data, attrs, type, usage, ...)
    store.read_entry(entry)    the same by its entry
    store.problems()           the Corrupt of every object that can't be read, in a list
    store.warnings             what a reader should tell its user, though it isn't damage
Everything is verified before it is returned: every node hash, the head, every data block.
Raised: Corrupt (.file .node .block .what), its subclass Refused where OP-TEE answers with a
security error, NoStore when there is no dirf.db, NotFound when the catalogue has no such object.
tolerant=True also opens objects that OP-TEE's truncate broke and that can still be authenticated.

Writing (in memory, then all at once; the same calls and seed always give the same bytes):
    writer = Writer(huk=..., ssk=..., huk_compat=True, hash_compat=True, seed=b"",
                    side_by_side=False)
    writer.create(ta, oid, data=b"", attrs=b"", type=DATA, usage=0xFFFFFFFF, ..., overwrite=False)
    writer.write(ta, oid, offset, data)        one committed write, past the end fills with zeros
    writer.truncate(ta, oid, size, defect=True)      as OP-TEE does; defect=False mends the parents
    writer.rename(ta, oid, new_oid)   writer.delete(ta, oid)   writer.set_usage(ta, oid, usage)
    writer.images              name to bytearray        writer.save(directory)
Slots, versions, counters, holes and file lengths come out as OP-TEE's would; side_by_side=True
starts block i in slot i & 1, as Coffer's own writer does.

Command line: optee_store.py list|verify DIR --huk HEX|--ssk HEX ..., optee_store.py make NAME DIR.
"""

import argparse
import hashlib
import hmac
import itertools
import json
import os
import struct
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BLOCK = 4096
HEAD = struct.Struct("<16s16s16s16sI")  # iv, tag, enc_fek, sealed meta, counter
META = struct.Struct("<QI4x")  # length, max_node_id
NODE = struct.Struct("<32s16s16sH")  # hash, iv, tag, flags
ENTRY = struct.Struct("<16s64sI32sI")  # uuid, oid, oid length, root hash, file number
OBJECT = struct.Struct("<IIIIII")  # attr_size, sizes, usage, type, have_attrs
DATA = 0xA00000BF  # TEE_TYPE_DATA
OID_MAX = 64
CATALOGUE = "dirf.db"


class StoreError(Exception):
    """Anything this module raises about a store."""


class Corrupt(StoreError):
    """Stored bytes that don't verify: which file, and where it is known, which node or block."""

    def __init__(self, file, what, node=None, block=None):
        self.file, self.what, self.node, self.block = file, what, node, block
        place = [f"{name} {n}" for name, n in (("node", node), ("block", block)) if n is not None]
        super().__init__(f"{' '.join([file, *place])}: {what}")


class Refused(Corrupt):
    """Counters that an honest writer can't have left: OP-TEE answers TEE_ERROR_SECURITY."""


class NoStore(StoreError):
    """There is no dirf.db; OP-TEE would start an empty store."""


class NotFound(StoreError):
    """The catalogue has no such object."""


# --- Keys -----------------------------------------------------------------------------------


def hmac_sha256(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def derive_ssk(huk, compat=True):
    """The storage key of a device from its hardware unique key."""
    if compat:
        return hmac_sha256(huk, b"BEEF" * 8 + b"ONLY_FOR_tee_fs_ssk\0")
    return hmac_sha256(huk, struct.pack("<I", 1))


def derive_tsk(ssk, ta):
    """The key that seals the file keys of one TA; ta is None for dirf.db."""
    return hmac_sha256(ssk, b"\0" if ta is None else uuid.UUID(ta).bytes_le)


def _storage_key(huk, ssk, huk_compat):
    if (huk is None) == (ssk is None):
        raise ValueError("give either huk or ssk")
    return derive_ssk(huk, huk_compat) if ssk is None else ssk


def _ecb(key):
    return Cipher(algorithms.AES(key), modes.ECB())


# --- Placement ------------------------------------------------------------------------------


def head_offset(version):
    return version * HEAD.size


def node_offset(node, version):
    group, place = divmod(node - 1, 31)
    return (1 + 62 * group) * BLOCK + (2 * place + version) * NODE.size


def block_offset(block, version):
    slot = 2 * block + version
    return (2 + slot + slot // 61) * BLOCK


# --- What a node hash and the two kinds of seal cover -----------------------------------------


class Node(NamedTuple):
    hash: bytes
    iv: bytes
    tag: bytes
    flags: int

    def block_version(self):
        return self.flags & 1

    def child_version(self, child):
        return self.flags >> (1 + (child & 1)) & 1


def node_hash(node, length, child_hashes):
    """length is given for the root only."""
    digest = hashlib.sha256(node.iv + node.tag + struct.pack("<H", node.flags))
    if length is not None:
        digest.update(struct.pack("<Q", length))
    for child in child_hashes:
        digest.update(child)
    return digest.digest()


def _head_aad(root_hash, counter, enc_fek, iv, hash_compat):
    return root_hash[: 16 if hash_compat else 32] + struct.pack("<I", counter) + enc_fek + iv


# --- Reading one hash-tree file ---------------------------------------------------------------


def pick_version(counter0, counter1, name=CATALOGUE):
    """Which of two heads is the committed one, by their counters."""
    if counter0 & 1:
        if counter1 & 1:
            return 1
        raise Refused(name, f"head counters {counter0} and {counter1} can't both be written")
    if counter1 & 1:
        return 0 if counter0 > counter1 else 1
    return 0


class HashTree:
    """The committed version of one file, its nodes all verified at construction.

    With root_hash the version is the one whose root has it; without, the counters choose."""

    def __init__(self, name, image, tsk, root_hash=None, hash_compat=True, tolerant=False,
                 min_counter=0):
        self.name, self.image = name, image
        self.unfinished = False  # a file whose creation was cut off: empty
        self.mended = []  # nodes that only the tolerant rule could verify
        self.length = self.max_node_id = self.counter = 0
        self.nodes = {}
        heads = self._heads()
        self.version = self._choose(heads, root_hash, min_counter)
        iv, tag, self.enc_fek, sealed, self.counter = heads[self.version]
        if root_hash is None and self.counter == 0 and tag == bytes(16):
            self.unfinished = True
            return
        self._open_head(tsk, iv, tag, sealed, hash_compat)
        self._load_nodes()
        self._verify_nodes(tolerant)

    @property
    def root_hash(self):
        return self.nodes[1].hash if self.nodes else None

    def read(self):
        """The whole contents, every block authenticated."""
        count = -(-self.length // BLOCK)
        return b"".join(self.read_block(i) for i in range(count))[: self.length]

    def read_block(self, block):
        node = self.nodes.get(block + 1)
        if node is None:
            raise Corrupt(self.name, "the tree has no node for it", block=block)
        offset = block_offset(block, node.block_version())
        stored = self._bytes(offset, BLOCK, "short read", block=block)
        try:
            return AESGCM(self.fek).decrypt(node.iv, stored + node.tag, self.enc_fek + node.iv)
        except InvalidTag:
            raise Corrupt(self.name, "data block doesn't match its tag", block=block) from None

    def _bytes(self, offset, size, what, **where):
        piece = bytes(self.image[offset : offset + size])
        if len(piece) != size:
            raise Corrupt(self.name, what, **where)
        return piece

    def _heads(self):
        return [HEAD.unpack(self._bytes(head_offset(v), HEAD.size, "short head")) for v in (0, 1)]

    def _choose(self, heads, root_hash, min_counter):
        if root_hash is None:
            version = pick_version(heads[0][4], heads[1][4], self.name)
            if heads[version][4] < min_counter:
                raise Refused(self.name, f"head counter {heads[version][4]} is below {min_counter}")
            return version
        for version in (0, 1):
            if self._node(1, version).hash == root_hash:
                return version
        raise Corrupt(self.name, "neither root has the expected hash", node=1)

    def _node(self, node, version):
        # Both versions must be readable, whichever is committed.
        self._bytes(node_offset(node, 1), NODE.size, "short node", node=node)
        return Node(*NODE.unpack(self._bytes(node_offset(node, version), NODE.size, "short node",
                                             node=node)))

    def _open_head(self, tsk, iv, tag, sealed, hash_compat):
        decryptor = _ecb(tsk).decryptor()
        self.fek = decryptor.update(self.enc_fek) + decryptor.finalize()
        root = self._node(1, self.version)
        aad = _head_aad(root.hash, self.counter, self.enc_fek, iv, hash_compat)
        try:
            meta = AESGCM(self.fek).decrypt(iv, sealed + tag, aad)
        except InvalidTag:
            raise Corrupt(self.name, f"head {self.version} doesn't match its tag") from None
        self.length, self.max_node_id = META.unpack(meta)
        self.nodes[1] = root

    def _load_nodes(self):
        for node in range(2, self.max_node_id + 1):
            self.nodes[node] = self._node(node, self.nodes[node // 2].child_version(node))

    def _verify_nodes(self, tolerant):
        for number in sorted(self.nodes, reverse=True):
            node = self.nodes[number]
            children = (2 * number, 2 * number + 1)
            kept = [self.nodes[c].hash for c in children if c in self.nodes]
            if node_hash(node, self.length if number == 1 else None, kept) == node.hash:
                continue
            if not (tolerant and number > 1 and self._covers_dropped(node, children, kept)):
                raise Corrupt(self.name, "node doesn't match its hash", node=number)
            self.mended.append(number)

    def _covers_dropped(self, node, children, kept):
        """Whether the hash still covers children that OP-TEE's truncate dropped.

        Their images are often left in the node area. They are hashed as they were then; as the
        parent's hash is itself covered by the root, a match proves the parent authentic."""
        dropped = []
        for child in (c for c in children if c not in self.nodes):
            try:
                dropped.append(self._node(child, node.child_version(child)).hash)
            except Corrupt:
                break
            if node_hash(node, None, kept + dropped) == node.hash:
                return True
        return False


# --- Reading a store --------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A used entry of dirf.db. file is the file's name: its number in hexadecimal."""

    slot: int
    ta: str
    oid: bytes
    root_hash: bytes
    file: str


@dataclass
class Object:
    ta: str
    oid: bytes
    data: bytes
    attrs: bytes
    type: int
    usage: int
    have_attrs: int
    object_size: int
    max_object_size: int
    file: str
    slot: int
    root_hash: bytes
    fek: bytes
    head_counter: int
    max_node_id: int
    mended: list = field(default_factory=list)  # nodes that needed the tolerant rule

    @property
    def size(self):
        return len(self.data)

    def as_manifest(self):
        """The object as manifest.json describes it."""
        return {
            "ta": self.ta, "oid": self.oid.hex(), "size": self.size,
            "sha256": hashlib.sha256(self.data).hexdigest(), "file": self.file, "slot": self.slot,
            "root_hash": self.root_hash.hex(), "objectType": f"{self.type:x}",
            "objectUsage": f"{self.usage:x}", "attr_hex": self.attrs.hex(),
            "have_attrs": self.have_attrs, "objectSize": self.object_size,
            "maxObjectSize": self.max_object_size, "head_counter": self.head_counter,
            "max_node_id": self.max_node_id, "fek": self.fek.hex(),
        }


class Store:
    def __init__(self, files, ssk, hash_compat, tolerant):
        self._files, self._ssk = files, ssk
        self._hash_compat, self._tolerant = hash_compat, tolerant
        self.entries, self.warnings = [], []
        self.catalogue = None  # the HashTree of dirf.db

    @classmethod
    def open(cls, path, huk=None, ssk=None, huk_compat=True, hash_compat=True, tolerant=False,
             anchor=None, min_counter=0):
        files = path if hasattr(path, "keys") else Path(path)
        store = cls(files, _storage_key(huk, ssk, huk_compat), hash_compat, tolerant)
        try:
            image = store._image(CATALOGUE)
        except Corrupt:
            raise NoStore(f"no {CATALOGUE} in {path}") from None
        tree = HashTree(CATALOGUE, image, derive_tsk(store._ssk, None), root_hash=anchor,
                        hash_compat=hash_compat, tolerant=tolerant, min_counter=min_counter)
        store.catalogue = tree
        if tree.unfinished:
            store.warnings.append(f"{CATALOGUE}: its creation was cut off; the store is empty")
        store._warn_mended(tree)
        store._read_entries(tree.read())
        return store

    @property
    def objects(self):
        return [self.read_entry(entry) for entry in self.entries]

    def object(self, ta, oid):
        for entry in self.entries:
            if entry.ta == str(uuid.UUID(ta)) and entry.oid == oid:
                return self.read_entry(entry)
        raise NotFound(f"{ta} {oid.hex()}")

    def problems(self):
        found = []
        for entry in self.entries:
            try:
                self.read_entry(entry)
            except Corrupt as problem:
                found.append(problem)
        return found

    def read_entry(self, entry):
        tree = self.tree(entry)
        contents = tree.read()
        if len(contents) < OBJECT.size:
            raise Corrupt(entry.file, "too short for an object header")
        attr_size, size, max_size, usage, kind, have_attrs = OBJECT.unpack_from(contents)
        start = OBJECT.size + attr_size
        if start > len(contents):
            raise Corrupt(entry.file, "its attributes don't fit in it")
        self._warn_mended(tree)
        return Object(
            ta=entry.ta, oid=entry.oid, data=contents[start:],
            attrs=contents[OBJECT.size : start], type=kind, usage=usage, have_attrs=have_attrs,
            object_size=size, max_object_size=max_size, file=entry.file, slot=entry.slot,
            root_hash=entry.root_hash, fek=tree.fek, head_counter=tree.counter,
            max_node_id=tree.max_node_id, mended=tree.mended)

    def tree(self, entry):
        """The verified HashTree of an entry's file, for looking at its nodes."""
        return HashTree(entry.file, self._image(entry.file), derive_tsk(self._ssk, entry.ta),
                        root_hash=entry.root_hash, hash_compat=self._hash_compat,
                        tolerant=self._tolerant)

    def _image(self, name):
        try:
            return self._files[name] if hasattr(self._files, "keys") \
                else (self._files / name).read_bytes()
        except (KeyError, FileNotFoundError):
            raise Corrupt(name, "the file is missing") from None

    def _warn_mended(self, tree):
        if tree.mended:
            message = f"{tree.name}: OP-TEE's truncate broke nodes {tree.mended}; readable"
            if message not in self.warnings:
                self.warnings.append(message)

    def _read_entries(self, contents):
        if len(contents) % ENTRY.size:
            raise Corrupt(CATALOGUE, "its length is no multiple of an entry")
        numbers = set()
        for slot, fields in enumerate(ENTRY.iter_unpack(contents)):
            ta, oid, oid_size, root_hash, number = fields
            if oid_size == 0 and oid[0] == 0:
                continue
            if oid_size > OID_MAX or (oid_size == 0 and oid[0] != 1):
                raise Corrupt(CATALOGUE, f"slot {slot} has an impossible object id")
            if number in numbers:
                self.warnings.append(f"{CATALOGUE}: slot {slot} names file {number:x}, which an "
                                     "earlier slot has; it is ignored")
                continue
            numbers.add(number)
            self.entries.append(Entry(slot, str(uuid.UUID(bytes_le=ta)), oid[:oid_size],
                                      root_hash, f"{number:x}"))


# --- Writing one hash-tree file ---------------------------------------------------------------


class Stream:
    """Bytes that look random and depend on a seed alone."""

    def __init__(self, seed):
        self._seed, self._count = seed, itertools.count()

    def take(self, size):
        block = hashlib.sha256(self._seed + struct.pack(">Q", next(self._count))).digest()
        return block[:size]


class _Working:
    """A node in memory: its stored fields and what the transaction did to it."""

    def __init__(self, flags=0):
        self.hash, self.iv, self.tag, self.flags = bytes(32), bytes(16), bytes(16), flags
        self.dirty = self.moved = False  # moved: the block is in its other slot already


class TreeFile:
    """A hash-tree file being written, step by step as OP-TEE does."""

    def __init__(self, tsk, stream, hash_compat, side_by_side):
        self.image = bytearray()
        self._stream, self._hash_compat, self._side_by_side = stream, hash_compat, side_by_side
        self._fek = stream.take(16)
        encryptor = _ecb(tsk).encryptor()
        self._enc_fek = encryptor.update(self._fek) + encryptor.finalize()
        self.length = self._max_node_id = self._counter = 0
        self._nodes = {1: self._new_node(1)}
        if side_by_side:  # an empty file's root has no block to place yet
            self._nodes[1].flags = 0
        self.commit()
        self._put(head_offset(0), bytes(HEAD.size))
        if side_by_side:
            self._nodes[1].flags = self._new_node(1).flags

    @property
    def root_hash(self):
        return self._nodes[1].hash

    def write(self, offset, data):
        """Inside one transaction; the caller commits."""
        if offset > self.length:
            self._write_at(self.length, bytes(offset - self.length))
        self._write_at(offset, data)

    def truncate(self, length, defect):
        if length > self.length:
            self._write_at(self.length, bytes(length - self.length))
            return
        keep = length // BLOCK + 1
        for number in range(keep + 1, self._max_node_id + 1):
            del self._nodes[number]
            if not defect and number // 2 in self._nodes:
                self._nodes[number // 2].dirty = True
        self._max_node_id = min(self._max_node_id, keep)
        end = block_offset(-(-length // BLOCK), 1) + BLOCK
        del self.image[end:]
        self._put(end, b"")
        self.length = length

    def commit(self):
        # Children have higher ids than parents, so this order is as good as post order.
        for number in sorted(self._nodes, reverse=True):
            node = self._nodes[number]
            if number > 1 and node.dirty:
                parent = self._nodes[number // 2]
                parent.dirty = True
                parent.flags ^= 2 << (number & 1)
                version = parent.flags >> (1 + (number & 1)) & 1
                self._write_node(number, version)
        self._write_node(1, 1 - (self._counter & 1))
        self._counter += 1
        self._write_head()

    def _new_node(self, number):
        # The first write flips bit 0: from 0 OP-TEE's first slot is 1.
        return _Working(flags=number & 1 if self._side_by_side else 0)

    def _put(self, offset, data):
        end = offset + len(data)
        if end > len(self.image):
            self.image.extend(bytes(end - len(self.image)))
        self.image[offset:end] = data

    def _write_at(self, offset, data):
        end = offset + len(data)
        for block in range(offset // BLOCK, -(-end // BLOCK)):
            start = block * BLOCK
            contents = bytearray(self._read_block(block) if start < self.length else BLOCK)
            first, last = max(offset, start), min(end, start + BLOCK)
            contents[first - start : last - start] = data[first - offset : last - offset]
            self._write_block(block, bytes(contents))
        self.length = max(self.length, end)

    def _read_block(self, block):
        node = self._nodes[block + 1]
        offset = block_offset(block, node.flags & 1)
        stored = bytes(self.image[offset : offset + BLOCK])
        return AESGCM(self._fek).decrypt(node.iv, stored + node.tag, self._enc_fek + node.iv)

    def _write_block(self, block, contents):
        number = block + 1
        if number not in self._nodes:
            self._nodes[number] = self._new_node(number)
            self._max_node_id = number
        node = self._nodes[number]
        if not node.moved:
            node.flags ^= 1
            node.moved = True
        node.iv, node.dirty = self._stream.take(16), True
        sealed = AESGCM(self._fek).encrypt(node.iv, contents, self._enc_fek + node.iv)
        node.tag = sealed[BLOCK:]
        self._put(block_offset(block, node.flags & 1), sealed[:BLOCK])

    def _write_node(self, number, version):
        node = self._nodes[number]
        children = [self._nodes[c].hash for c in (2 * number, 2 * number + 1) if c in self._nodes]
        node.hash = node_hash(node, self.length if number == 1 else None, children)
        node.dirty = node.moved = False
        self._put(node_offset(number, version),
                  NODE.pack(node.hash, node.iv, node.tag, node.flags))

    def _write_head(self):
        iv = self._stream.take(16)
        aad = _head_aad(self.root_hash, self._counter, self._enc_fek, iv, self._hash_compat)
        sealed = AESGCM(self._fek).encrypt(iv, META.pack(self.length, self._max_node_id), aad)
        self._put(head_offset(self._counter & 1),
                  HEAD.pack(iv, sealed[16:], self._enc_fek, sealed[:16], self._counter))


# --- Writing a store --------------------------------------------------------------------------


@dataclass
class _Slot:
    ta: str
    oid: bytes
    number: int
    tree: TreeFile
    data_start: int


class Writer:
    def __init__(self, huk=None, ssk=None, huk_compat=True, hash_compat=True, seed=b"",
                 side_by_side=False):
        self.ssk = _storage_key(huk, ssk, huk_compat)
        self._stream, self._hash_compat = Stream(seed), hash_compat
        self._side_by_side = side_by_side
        self._slots = []  # _Slot or None, as dirf.db has them
        self._dirf = self._new_file(None)
        self.contents = {}  # (ta, oid) to the data it should read back as: the model

    @property
    def images(self):
        files = {f"{s.number:x}": s.tree.image for s in self._slots if s}
        return {CATALOGUE: self._dirf.image, **files}

    def create(self, ta, oid, data=b"", attrs=b"", type=DATA, usage=0xFFFFFFFF, have_attrs=0,
               object_size=0, max_object_size=0, overwrite=False):
        ta = str(uuid.UUID(ta))
        index = self._index(ta, oid)
        if index is not None and not overwrite:
            raise ValueError("the object exists")
        used = {s.number for s in self._slots if s}
        number = next(n for n in itertools.count() if n not in used)
        tree = self._new_file(ta)
        tree.write(0, OBJECT.pack(len(attrs), object_size, max_object_size, usage, type,
                                  have_attrs))
        tree.write(OBJECT.size, attrs)
        tree.write(OBJECT.size + len(attrs), data)
        tree.commit()
        if index is None:
            index = self._free_index()
        self._slots[index] = _Slot(ta, oid, number, tree, OBJECT.size + len(attrs))
        self.contents[ta, oid] = bytearray(data)
        self._commit_slot(index)

    def write(self, ta, oid, offset, data):
        slot, index = self._find(ta, oid)
        slot.tree.write(slot.data_start + offset, data)
        slot.tree.commit()
        model = self.contents[slot.ta, oid]
        model.extend(bytes(max(0, offset + len(data) - len(model))))
        model[offset : offset + len(data)] = data
        self._commit_slot(index)

    def truncate(self, ta, oid, size, defect=True):
        slot, index = self._find(ta, oid)
        slot.tree.truncate(slot.data_start + size, defect)
        slot.tree.commit()
        model = self.contents[slot.ta, oid]
        model.extend(bytes(max(0, size - len(model))))
        del model[size:]
        self._commit_slot(index)

    def rename(self, ta, oid, new_oid):
        slot, index = self._find(ta, oid)
        if self._index(slot.ta, new_oid) is not None:
            raise ValueError("the new name is taken")
        self.contents[slot.ta, new_oid] = self.contents.pop((slot.ta, oid))
        slot.oid = new_oid
        self._commit_slot(index)

    def delete(self, ta, oid):
        slot, index = self._find(ta, oid)
        del self.contents[slot.ta, oid]
        self._slots[index] = None
        self._commit_slot(index)

    def set_usage(self, ta, oid, usage):
        slot, index = self._find(ta, oid)
        slot.tree.write(12, struct.pack("<I", usage))
        slot.tree.commit()
        self._commit_slot(index)

    def put_entry(self, index, ta, oid, root_hash, number):
        """Writes an entry of dirf.db as it is given, for catalogues that contradict themselves.

        The writer itself goes on as if it hadn't, so this comes last."""
        self._put_entry(index, self._pack_entry(uuid.UUID(ta).bytes_le, oid, root_hash, number))

    def save(self, directory):
        write_images(self.images, directory)

    def _new_file(self, ta):
        return TreeFile(derive_tsk(self.ssk, ta), self._stream, self._hash_compat,
                        self._side_by_side)

    def _index(self, ta, oid):
        for index, slot in enumerate(self._slots):
            if slot and (slot.ta, slot.oid) == (ta, oid):
                return index
        return None

    def _find(self, ta, oid):
        index = self._index(str(uuid.UUID(ta)), oid)
        if index is None:
            raise NotFound(f"{ta} {oid.hex()}")
        return self._slots[index], index

    def _free_index(self):
        if None not in self._slots:
            self._slots.append(None)
        return self._slots.index(None)

    @staticmethod
    def _pack_entry(ta, oid, root_hash, number):
        if len(oid) > OID_MAX:
            raise ValueError("the object id is too long")
        return ENTRY.pack(ta, oid or b"\1", len(oid), root_hash, number)

    def _commit_slot(self, index):
        slot = self._slots[index]
        entry = bytes(ENTRY.size) if slot is None else self._pack_entry(
            uuid.UUID(slot.ta).bytes_le, slot.oid, slot.tree.root_hash, slot.number)
        self._put_entry(index, entry)

    def _put_entry(self, index, entry):
        self._dirf.write(index * ENTRY.size, entry)
        self._dirf.commit()


def write_images(images, directory):
    """Files with holes where they have whole blocks of zeros."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    for name, image in images.items():
        with open(os.path.join(directory, name), "wb") as file:
            for offset in range(0, len(image), BLOCK):
                piece = bytes(image[offset : offset + BLOCK])
                if any(piece):
                    file.seek(offset)
                    file.write(piece)
            file.truncate(len(image))


def pattern(seed, size, label=b"coffer-golden"):
    """The test contents that the manifests describe."""
    count = -(-size // 32)
    pieces = (hashlib.sha256(label + struct.pack(">II", seed, k)).digest() for k in range(count))
    return b"".join(pieces)[:size]


# --- The command line ---------------------------------------------------------------------------


def _arguments():
    parser = argparse.ArgumentParser(description="Reads OP-TEE's REE stores and makes test stores.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (("list", "list every object"), ("verify", "verify every object")):
        sub = verbs.add_parser(verb, help=text)
        sub.add_argument("directory")
        key = sub.add_mutually_exclusive_group(required=True)
        key.add_argument("--huk", type=bytes.fromhex, metavar="HEX")
        key.add_argument("--ssk", type=bytes.fromhex, metavar="HEX")
        sub.add_argument("--no-huk-compat", action="store_true")
        sub.add_argument("--no-hash-compat", action="store_true")
        sub.add_argument("--anchor", type=bytes.fromhex, metavar="HEX", help="root hash of dirf.db")
        sub.add_argument("--tolerant", action="store_true",
                         help="open what a truncate of OP-TEE broke, where it can be proved")
        sub.add_argument("--json", action="store_true")
    make = verbs.add_parser("make", help="write one of the stores of make_stores.py")
    make.add_argument("name")
    make.add_argument("directory")
    return parser.parse_args()


def _listed(item):
    shown = item.as_manifest()
    return {"ta": shown["ta"], "id_hex": shown["oid"], "size": shown["size"],
            "sha256": shown["sha256"], "type": shown["objectType"], "usage": shown["objectUsage"],
            "attr_hex": shown["attr_hex"], "file": shown["file"], "slot": shown["slot"],
            "root_hash": shown["root_hash"], "head_counter": shown["head_counter"],
            "max_node_id": shown["max_node_id"], "tolerant": bool(item.mended)}


def _print_list(store, as_json):
    rows = [_listed(item) for item in store.objects]
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        print(*(f"{key}={value}" for key, value in row.items()))
    return 0


def _print_verify(store, as_json):
    problems = store.problems()
    if as_json:
        print(json.dumps([{"file": p.file, "node": p.node, "block": p.block, "what": p.what}
                          for p in problems], indent=1))
    else:
        for problem in problems:
            print(problem)
        print(f"{len(store.entries)} objects, {len(problems)} damaged")
    return 1 if problems else 0


def main():
    arguments = _arguments()
    if arguments.verb == "make":
        import make_stores
        make_stores.make_case(arguments.name, arguments.directory)
        return 0
    try:
        store = Store.open(arguments.directory, huk=arguments.huk, ssk=arguments.ssk,
                           huk_compat=not arguments.no_huk_compat,
                           hash_compat=not arguments.no_hash_compat,
                           tolerant=arguments.tolerant, anchor=arguments.anchor)
        show = _print_list if arguments.verb == "list" else _print_verify
        status = show(store, arguments.json)
    except StoreError as error:
        print(f"optee_store: {error}", file=sys.stderr)
        return 1
    for warning in store.warnings:
        print(f"optee_store: {warning}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
