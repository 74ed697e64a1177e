/* SPDX-License-Identifier: BSD-2-Clause */
/* A memory device's files from, and to, a directory of the host. */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/memory_device.h"
#include "support/must.h"

#define PATH_SIZE 4096

static bool load_file(struct memory_device *device, const char *path, const char *name)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long size;
    bool ok;

    if (file == NULL)
        return false;
    if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        fseek(file, 0, SEEK_SET) != 0) {
        fclose(file);
        return false;
    }
    bytes = must_alloc((size_t)size);
    ok = fread(bytes, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (ok)
        memory_device_set(device, name, bytes, (size_t)size);
    free(bytes);
    return ok;
}

static bool load_folder(struct memory_device *device, const char *path, const char *prefix)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool ok = true;

    if (folder == NULL)
        return false;
    while (ok && (entry = readdir(folder)) != NULL) {
        char full[PATH_SIZE];
        char name[PATH_SIZE];
        struct stat information;

        must((size_t)snprintf(full, sizeof(full), "%s/%s", path, entry->d_name) < sizeof(full));
        must((size_t)snprintf(name, sizeof(name), "%s%s", prefix, entry->d_name) < sizeof(name));
        ok = stat(full, &information) == 0;
        if (ok && S_ISREG(information.st_mode))
            ok = load_file(device, full, name);
    }
    closedir(folder);
    return ok;
}

struct memory_device *memory_device_load(const char *path)
{
    struct memory_device *device = memory_device_open();
    char quarantine[PATH_SIZE];
    struct stat information;
    bool ok;

    must((size_t)snprintf(quarantine, sizeof(quarantine), "%s/quarantine", path) <
         sizeof(quarantine));
    ok = load_folder(device, path, "");
    if (ok && stat(quarantine, &information) == 0)
        ok = load_folder(device, quarantine, "quarantine/");
    if (!ok) {
        memory_device_free(device);
        return NULL;
    }
    return device;
}

static bool save_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool ok;

    if (file == NULL)
        return false;
    ok = size == 0 || fwrite(bytes, 1, size, file) == size;
    return fclose(file) == 0 && ok;
}

bool memory_device_save(const struct memory_device *device, const char *path)
{
    /* Bytes are asked for through the writable face, so from a clone. */
    struct memory_device *clone = memory_device_clone(device);
    bool ok = true;

    for (size_t i = 0; ok && i < memory_device_file_count(clone); i++) {
        const char *name = memory_device_file_name(clone, i);
        char full[PATH_SIZE];
        size_t size;
        const uint8_t *bytes = memory_device_bytes(clone, name, &size);

        if (strchr(name, '/') != NULL) {
            must((size_t)snprintf(full, sizeof(full), "%s/%.*s", path,
                                  (int)(strchr(name, '/') - name), name) < sizeof(full));
            (void)mkdir(full, 0700);
        }
        must((size_t)snprintf(full, sizeof(full), "%s/%s", path, name) < sizeof(full));
        ok = save_file(full, bytes, size);
    }
    memory_device_free(clone);
    return ok;
}
