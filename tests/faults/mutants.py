# SPDX-License-Identifier: BSD-2-Clause
"""What only threads see of one another, broken; the histories of GlobalPlatform's calls notice every
one.

scripts/mutants --kept runs them, as those of tests/conformance/gp/mutants.py. Each call by itself
is right: only between its two halves another one comes in.
"""

PROGRAM = "tests/faults/gp_history"
RUNS = [[], [], []]  # threads take another order each time

FILES = "src/gp/files.c"
GP = "src/gp/gp.h"
OBJECTS = "src/store/objects.c"

MUTANTS = [
    (FILES, "    status = coffer_writer_commit(writer);\n",
     "    unlock(tee);\n    status = coffer_writer_commit(writer);\n    lock(tee);\n",
     "an object is there before its maker has it open"),
    (FILES, "    status = coffer_rename(file->name.store, &from, to->id, to->id_size);\n",
     "    status = coffer_rename(file->name.store, &from, to->id, to->id_size);\n"
     "    unlock(tee);\n    lock(tee);\n",
     "an object is renamed before those who open it are told"),
    (GP, "#define GP_PIN_MAX ((size_t)128 * 1024)", "#define GP_PIN_MAX ((size_t)2500)",
     "what one call reads is of several moments"),
    (OBJECTS, "    rwlock_take_read(&object->store->lot, &object->lock);\n}\n\n"
     "static void read_unlock(struct object *object)\n{\n"
     "    rwlock_give_read(&object->store->lot, &object->lock);\n",
     "    (void)object;\n}\n\nstatic void read_unlock(struct object *object)\n{\n"
     "    (void)object;\n",
     "objects are read while they are written"),
]
