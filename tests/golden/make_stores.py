#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the stores in tests/golden/stores and their manifest.json; always the same bytes.

A case is a function below: its name is the store's, its first line of text the description, and
what it does to the Writer is the store. The decorator takes what differs from a default device."""

import hashlib
import json
import shutil
import sys
import uuid
from pathlib import Path

import optee_store
from optee_store import BLOCK, Corrupt, OBJECT, Store, Writer, pattern, write_images

STORES = Path(__file__).resolve().parent / "stores"
HUK = bytes(range(16))
TA = "11111111-2222-3333-4444-555555555555"
TA2 = "8aaaf200-2450-11e4-abe2-0002a5d5c51b"
TA3 = "f4e750bb-1437-4fbf-8785-8d3580c34994"
CASES = {}


def case(**settings):
    """settings are the Writer's; edit, when given, changes the finished images."""

    def register(function):
        edit = settings.pop("edit", None)
        settings.setdefault("ssk" if "ssk" in settings else "huk", HUK)
        CASES[function.__name__] = (function, settings, edit)
        return function

    return register


def blocks(count):
    """Size of an object whose file fills just so many blocks (no attributes)."""
    return count * BLOCK - OBJECT.size


@case()
def empty_store(w):
    """dirf.db as its creation leaves it: no object was ever made."""


@case()
def small(w):
    """two objects of the same id in two TAs"""
    w.create(TA, b"same", pattern(1, 100))
    w.create(TA2, b"same", pattern(2, 1000))


@case()
def sizes(w):
    """sizes at the block boundary: 0, 4072 (one block full), 4073 bytes"""
    for size in (0, blocks(1), blocks(1) + 1):
        w.create(TA, f"{size}".encode(), pattern(10 + size, size))


@case()
def multi_block(w):
    """134000 bytes, so nodes beyond the first node block; overwritten twice, once across blocks"""
    w.create(TA, b"big", pattern(20, 134000))
    w.write(TA, b"big", 126000, pattern(21, 2000))
    w.write(TA, b"big", 1000, pattern(22, 300))


@case()
def past_the_end(w):
    """10 bytes, a write at 9000 past the end, an extension by truncate, an append"""
    w.create(TA, b"hole", pattern(30, 10))
    w.write(TA, b"hole", 9000, pattern(31, 100))
    w.truncate(TA, b"hole", 12000)
    w.write(TA, b"hole", 12000, pattern(32, 50))


def secret(data):
    return len(data).to_bytes(4, "big") + data


@case()
def keys(w):
    """AES, HMAC and ECC key objects with attributes, one with restricted usage, one with data"""
    w.create(TA, b"aes", pattern(40, 10), attrs=secret(pattern(41, 32)), type=0xA0000010,
             have_attrs=1, object_size=256, max_object_size=256)
    w.create(TA, b"hmac", attrs=secret(pattern(42, 20)), type=0xA0000004, have_attrs=1,
             usage=0x3F, object_size=160, max_object_size=512)
    numbers = b"".join(secret(pattern(43 + n, 32).lstrip(b"\0")) for n in range(3))
    w.create(TA2, b"ecc", pattern(46, 500), attrs=numbers + (3).to_bytes(4, "big"),
             type=0xA1000041, have_attrs=15, object_size=256, max_object_size=256)
    w.set_usage(TA2, b"ecc", 0x00000005)


@case()
def odd_ids(w):
    """the empty id, ids of zero bytes, of 64 bytes, with a slash and a line feed"""
    ids = (b"", b"\0", bytes(64), b"\xff" * 64, bytes(range(64)), b"../x/\n")
    for number, oid in enumerate(ids):
        w.create(TA, oid, pattern(50 + number, 60 + number))


@case(huk_compat=False, hash_compat=False)
def noncompat(w):
    """both settings away from OP-TEE's defaults: key derivation and hash width"""
    w.create(TA, b"a", pattern(60, 100))


@case(huk_compat=False)
def noncompat_huk(w):
    """only the key derivation away from the default"""
    w.create(TA, b"a", pattern(61, 100))


@case(hash_compat=False)
def noncompat_hash(w):
    """only the hash width away from the default"""
    w.create(TA, b"a", pattern(62, 100))


@case(huk=bytes(range(32)))
def huk32(w):
    """a hardware unique key of 32 bytes"""
    w.create(TA, b"a", pattern(63, 100))


@case(ssk=hashlib.sha256(b"a storage key").digest())
def ssk_only(w):
    """only the storage key is known, not the hardware unique key"""
    w.create(TA, b"a", pattern(64, 100))


@case()
def renamed(w):
    """renamed, its old id used anew, and an object replaced so that its file number changed"""
    w.create(TA, b"a", pattern(70, 100))
    w.create(TA, b"b", pattern(71, 200))
    w.rename(TA, b"a", b"a longer name")
    w.create(TA, b"a", pattern(72, 300))
    w.create(TA, b"b", pattern(73, 400), overwrite=True)


@case()
def deleted_slots(w):
    """free slots in the middle and at the end of dirf.db, one of them used again"""
    for number in range(8):
        w.create(TA, f"{number}".encode(), pattern(80 + number, 100 * number))
    for number in (1, 2, 5, 7):
        w.delete(TA, f"{number}".encode())
    w.create(TA2, b"again", pattern(88, 50))


@case()
def duplicate_file(w):
    """slot 1 names the same file as slot 0: it is to be ignored; slot 2 is sound"""
    w.create(TA, b"first", pattern(90, 100))
    w.create(TA, b"second")
    w.create(TA2, b"third", pattern(91, 100))
    w.delete(TA, b"second")
    w.put_entry(1, TA, b"second", hashlib.sha256(b"no root").digest(), 0)


def cut_creation(images):
    # Node 1 is written first, at version 1; the power went before any head.
    image = images[optee_store.CATALOGUE]
    del image[optee_store.node_offset(1, 1) + optee_store.NODE.size :]
    image[: BLOCK] = bytes(BLOCK)


@case(edit=cut_creation)
def unfinished(w):
    """the creation of dirf.db was cut off: both heads have counter 0 and a zero tag; empty"""


@case()
def many(w):
    """every fifth of 60 objects left: dirf.db has two blocks and slot 34 straddles them"""
    for number in range(60):
        w.create((TA, TA2, TA3)[number % 3], f"object {number}".encode(),
                 pattern(100 + number, 7 * number))
    for number in range(60):
        if number % 5 != 4:
            w.delete((TA, TA2, TA3)[number % 3], f"object {number}".encode())


@case()
def truncated_sound(w):
    """truncates of OP-TEE that break nothing: no node dropped, only children of the root dropped,
    dropped nodes made again"""
    w.create(TA, b"same nodes", pattern(200, blocks(2)))
    w.truncate(TA, b"same nodes", blocks(1) + 100)
    w.create(TA, b"root only", pattern(201, blocks(3)))
    w.truncate(TA, b"root only", 1000)
    w.create(TA, b"made again", pattern(202, blocks(5)))
    w.truncate(TA, b"made again", blocks(3) + 100)
    w.truncate(TA, b"made again", blocks(4) + 100)


@case()
def truncated_defect(w):
    """objects that a truncate of OP-TEE broke: a kept node's hash covers dropped children"""
    w.create(TA, b"right child", pattern(210, blocks(5)))
    w.truncate(TA, b"right child", blocks(3) + 100)  # node 2 keeps 4, lost 5
    w.create(TA, b"left child", pattern(211, blocks(4)))
    w.truncate(TA, b"left child", blocks(2) + 100)  # node 2 had only 4
    w.create(TA, b"both children", pattern(212, blocks(5)))
    w.truncate(TA, b"both children", blocks(2) + 100)  # node 2 lost 4 and 5
    w.create(TA, b"twice", pattern(213, blocks(10)))
    w.truncate(TA, b"twice", blocks(8) + 100)  # node 5 lost 10
    w.truncate(TA, b"twice", blocks(2) + 100)  # node 2 lost 4 and 5, 5 broken already
    w.create(TA, b"after a write", pattern(214, blocks(6)))
    w.write(TA, b"after a write", blocks(4) + 10, pattern(215, 20))  # node 5 now in version 0
    w.truncate(TA, b"after a write", blocks(3) + 1)  # 2 lost 5 and 3 lost 6
    w.create(TA, b"area gone", pattern(217, blocks(33)))
    w.truncate(TA, b"area gone", blocks(15) + 100)  # 16 lost 32 and 33 with their node block


@case(side_by_side=True)
def side_by_side(w):
    """Coffer's own placement: block i starts in slot i & 1; overwritten, cut and mended"""
    w.create(TA, b"small", pattern(220, 100))
    w.create(TA, b"blocks", pattern(221, blocks(6)))
    w.write(TA, b"blocks", 5000, pattern(222, 100))
    w.truncate(TA, b"blocks", blocks(3) + 7, defect=False)


def build(name):
    """(images, manifest row) of a case."""
    function, settings, edit = CASES[name]
    writer = Writer(seed=name.encode(), **settings)
    function(writer)
    images = writer.images
    if edit:
        edit(images)
    return images, describe(name, images, writer)


def describe(name, images, writer):
    function, settings, _ = CASES[name]
    keys = {k: settings[k] for k in ("huk", "ssk", "huk_compat", "hash_compat") if k in settings}
    objects, corrupt = [], []
    for entry in (store := Store.open(images, tolerant=True, **keys)).entries:
        try:
            item = store.read_entry(entry)
        except Corrupt:
            corrupt.append({"ta": entry.ta, "oid": entry.oid.hex(), "file": entry.file,
                            "slot": entry.slot})
            continue
        # The contents are the ones that were written, not the ones that were read.
        model = writer.contents[item.ta, item.oid]
        objects.append(item.as_manifest() | {
            "size": len(model), "sha256": hashlib.sha256(model).hexdigest(),
            "tolerant": bool(item.mended)})
    return {
        "case": name, "desc": " ".join(function.__doc__.split()), "storage": "ree",
        "huk": settings["huk"].hex() if "huk" in settings else None, "ssk": writer.ssk.hex(),
        "huk_compat": settings.get("huk_compat", True),
        "hash_compat": settings.get("hash_compat", True),
        "objects": objects, "corrupt": corrupt, "warning": bool(store.warnings),
        "files": {file: {"size": len(image), "sha256": hashlib.sha256(image).hexdigest()}
                  for file, image in sorted(images.items())},
    }


def build_all():
    """Every case's images by name, and the text of manifest.json."""
    stores, rows = {}, []
    for name in CASES:
        stores[name], row = build(name)
        rows.append(row)
    manifest = {
        "generator": "tests/golden/make_stores.py",
        "pattern": 'concat SHA256("coffer-golden"||seed_be32||k_be32)',
        "chip_id": "BEEF x8", "cases": rows,
    }
    return stores, json.dumps(manifest, indent=1) + "\n"


def make_case(name, directory):
    if name not in CASES:
        sys.exit(f"no case {name}; there are: {', '.join(CASES)}")
    write_images(build(name)[0], directory)


def main():
    stores, manifest = build_all()
    shutil.rmtree(STORES, ignore_errors=True)
    for name, images in stores.items():
        write_images(images, STORES / name)
    (STORES / "manifest.json").write_text(manifest)


if __name__ == "__main__":
    main()
