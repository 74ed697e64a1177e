/* SPDX-License-Identifier: BSD-2-Clause */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

void wipe(void *memory, size_t n)
{
    explicit_bzero(memory, n);
}

bool file_write(int fd, const void *data, size_t n)
{
    const uint8_t *p = data;

    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR && !interrupted())
            continue;
        if (done < 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

ssize_t file_read(int fd, void *out, size_t n)
{
    uint8_t *p = out;
    size_t got = 0;

    while (got < n) {
        ssize_t done = read(fd, p + got, n - got);

        if (done < 0 && errno == EINTR && !interrupted())
            continue;
        if (done < 0)
            return -1;
        if (done == 0)
            break;
        got += (size_t)done;
    }
    return (ssize_t)got;
}

ssize_t file_read_at(int fd, uint64_t offset, void *out, size_t n)
{
    uint8_t *p = out;
    size_t got = 0;

    while (got < n) {
        ssize_t done = pread(fd, p + got, n - got, (off_t)(offset + got));

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        if (done == 0)
            break;
        got += (size_t)done;
    }
    return (ssize_t)got;
}

void file_sync_parent(const char *path)
{
    char *copy = must_have(strdup(path));
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(copy);
}

static enum exit_status begin_beside(struct options *options, struct new_file *file, mode_t mode)
{
    char *directory = must_have(strdup(file->path));
    char *base = must_have(strdup(file->path));

    if (asprintf(&file->temporary, "%s/.%s.XXXXXX", dirname(directory), basename(base)) < 0)
        file->temporary = must_have(NULL);
    free(directory);
    free(base);
    file->fd = mkostemp(file->temporary, O_CLOEXEC);
    if (file->fd >= 0 && fchmod(file->fd, mode) == 0)
        return EXIT_DONE;
    if (file->fd < 0) {
        free(file->temporary);
        file->temporary = NULL;
    }
    return fail_errno(options, errno, "new file %s", file->path);
}

enum exit_status file_begin(struct options *options, const char *path, struct new_file *out)
{
    struct stat state;
    enum exit_status result;
    bool there = stat(path, &state) == 0;

    /* A link stays a link: the file behind it is the one to replace. */
    *out = (struct new_file){.fd = -1, .path = there ? realpath(path, NULL) : strdup(path)};
    must_have(out->path);
    if (there && !S_ISREG(state.st_mode)) {
        out->fd = open(path, O_WRONLY | O_CLOEXEC);
        result = out->fd >= 0 ? EXIT_DONE : fail_errno(options, errno, "file %s", path);
    } else {
        result = begin_beside(options, out, there ? state.st_mode & 0777 : 0600);
    }
    if (result != EXIT_DONE)
        file_abandon(out);
    return result;
}

enum exit_status file_finish(struct options *options, struct new_file *file)
{
    int error = 0;

    if (file->temporary != NULL && fdatasync(file->fd) != 0)
        error = errno;
    if (close(file->fd) != 0 && error == 0)
        error = errno;
    file->fd = -1;
    if (error == 0 && file->temporary != NULL && rename(file->temporary, file->path) != 0)
        error = errno;
    if (error != 0) {
        enum exit_status result = fail_errno(options, error, "file %s", file->path);

        file_abandon(file);
        return result;
    }
    free(file->temporary);
    free(file->path);
    *file = (struct new_file){.fd = -1};
    return EXIT_DONE;
}

void file_abandon(struct new_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    if (file->temporary != NULL)
        (void)unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct new_file){.fd = -1};
}

static volatile sig_atomic_t signal_met;

static void remember_signal(int number)
{
    signal_met = number;
}

void interrupt_init(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = remember_signal};
    struct sigaction old;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        /* A signal that was set to be ignored (nohup) stays ignored. One that comes twice kills. */
        action.sa_flags = (int)SA_RESETHAND;
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
    /* A file size limit is an error of the write, not a reason to die in the middle of it. */
    (void)signal(SIGXFSZ, SIG_IGN);
}

bool interrupted(void)
{
    return signal_met != 0;
}

void interrupt_obey(void)
{
    if (signal_met == 0)
        return;
    (void)fflush(stdout);
    (void)signal(signal_met, SIG_DFL);
    (void)raise(signal_met);
}
