/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer demo: the main job end to end, by this very command, in a temporary directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "files.h"
#include "name.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "sizes.h"
#include "statistics.h"
#include "stored_file.h"
#include "verbs.h"

static const struct grammar grammar = {
    .verb = "demo",
    .text = "Show the main job end to end in a temporary directory, with real output.\vA store is "
            "made, files are stored and read back, the store is listed and checked, one bit of it "
            "is flipped and found. The directory is removed. The exit status is 0 only if every "
            "step went as it should.",
};

/* Words that must not be found in any file of the store. */
#define SECRET "the launch code is 00000000"

#define BLOCK_TO_HURT 10u

struct demo {
    struct options *options;
    struct options own; /* of the store in the temporary directory */
    char program[PATH_MAX];
    struct json_object *steps;
    bool good; /* so far */
};

static void say(const struct demo *demo, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct demo *demo, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    if (demo->options->json)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = must_have(NULL);
    va_end(arguments);
    (void)fputs(text, stdout);
    (void)fflush(stdout);
    free(text);
}

static void title(const struct demo *demo, const char *text)
{
    bool bold = output_is_fancy();

    say(demo, "\n%s%s%s\n\n", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

/* A fact that must hold. */
static bool hold(struct demo *demo, bool fact, const char *text)
{
    struct json_object *step = json_object_new_object();

    say(demo, "    %s %s\n", fact ? "=>" : "NOT TRUE:", text);
    json_object_object_add(step, "fact", json_object_new_string(text));
    json_object_object_add(step, "good", json_object_new_boolean(fact));
    json_object_array_add(demo->steps, step);
    demo->good &= fact;
    return fact;
}

static void say_indented(const struct demo *demo, const char *text)
{
    while (*text != '\0') {
        int length = (int)strcspn(text, "\n");

        say(demo, "    %.*s\n", length, text);
        text += length;
        text += *text == '\n';
    }
}

/* `coffer` with these words; its exit status must be `wanted`. */
static bool step(struct demo *demo, int wanted, const char *const *words)
{
    struct json_object *record = json_object_new_object();
    char line[2 * PATH_MAX] = "coffer";
    struct child child;
    bool good;

    for (size_t i = 0; words[i] != NULL; i++) {
        size_t used = strlen(line);

        (void)snprintf(line + used, sizeof(line) - used, " %s", words[i]);
    }
    say(demo, "    $ %s\n", line);
    good = child_run(demo->program, words, &child);
    if (good)
        say_indented(demo, child.output);
    good = good && child.exit == wanted;
    if (wanted != 0 || !good)
        say(demo, "    (exit status %d%s)\n", child.exit, good ? "" : ", which is WRONG");
    json_object_object_add(record, "command", json_object_new_string(line));
    json_object_object_add(record, "exit", json_object_new_int(child.exit));
    json_object_object_add(record, "good", json_object_new_boolean(good));
    json_object_array_add(demo->steps, record);
    child_fini(&child);
    demo->good &= good;
    return good;
}

#define STEP(demo, wanted, ...) step(demo, wanted, (const char *const[]){__VA_ARGS__, NULL})

static char *read_whole(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat state;
    char *bytes = NULL;

    if (fd >= 0 && fstat(fd, &state) == 0) {
        bytes = must_have(malloc((size_t)state.st_size + 1));
        if (file_read(fd, bytes, (size_t)state.st_size) == state.st_size) {
            *size = (size_t)state.st_size;
        } else {
            free(bytes);
            bytes = NULL;
        }
    }
    if (fd >= 0)
        (void)close(fd);
    return bytes;
}

static bool files_equal(const char *a, const char *b)
{
    size_t a_size = 0, b_size = 0;
    char *a_bytes = read_whole(a, &a_size);
    char *b_bytes = read_whole(b, &b_size);
    bool equal = a_bytes != NULL && b_bytes != NULL && a_size == b_size &&
                 memcmp(a_bytes, b_bytes, a_size) == 0;

    free(a_bytes);
    free(b_bytes);
    return equal;
}

/* Whether the words are readable anywhere in the store's files. */
static bool store_shows(const char *directory, const char *words)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    bool shows = stream == NULL;

    while (!shows && (entry = readdir(stream)) != NULL) {
        char path[PATH_MAX];
        size_t size = 0;
        char *bytes;

        if (entry->d_type != DT_REG)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        bytes = read_whole(path, &size);
        shows = bytes == NULL || memmem(bytes, size, words, strlen(words)) != NULL;
        free(bytes);
    }
    if (stream != NULL)
        (void)closedir(stream);
    return shows;
}

static bool write_note(void)
{
    static const char text[] = "Nobody is to know that " SECRET ".\n";
    int fd = open("note.txt", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && file_write(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        (void)close(fd);
    return good;
}

/* Where the committed version of a block of the object "program" lies. */
static bool find_block(struct demo *demo, char path[PATH_MAX], uint64_t *offset)
{
    static const struct id id = {"program", 7, "program"};
    const struct coffer_name name = name_of(&demo->own, &id);
    struct coffer_inspect_node images[2];
    struct stored_file file;
    struct object_line line;
    struct session session;
    unsigned slot = 0;
    bool good;

    if (session_open(&demo->own, SESSION_READ, &session) != EXIT_DONE)
        return false;
    good = object_look_up(session.store, &name, &line) == COFFER_OK;
    session_close(&session);
    if (!good)
        return false;
    (void)snprintf(path, PATH_MAX, "store/%" PRIx32, line.info.file);
    if (stored_file_open(&demo->own, path, &file) != EXIT_DONE)
        return false;
    good = stored_file_committed(&file, BLOCK_TO_HURT + 1, &slot) &&
           stored_file_node(&file, BLOCK_TO_HURT + 1, images);
    stored_file_close(&file);
    if (good)
        *offset = coffer_inspect_block_offset(BLOCK_TO_HURT,
                                              coffer_inspect_block_slot(images[slot].flags));
    return good;
}

static bool flip_bit(const char *path, uint64_t offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    bool good = fd >= 0 && pread(fd, &byte, 1, (off_t)offset) == 1;

    if (good) {
        byte ^= 0x10;
        good = pwrite(fd, &byte, 1, (off_t)offset) == 1;
    }
    if (fd >= 0)
        (void)close(fd);
    return good;
}

static bool show_storing(struct demo *demo)
{
    title(demo, "A new store, with a new key");
    if (!STEP(demo, EXIT_DONE, "init"))
        return false;

    title(demo, "Objects go in: this program itself, and a note with a secret");
    if (!hold(demo, write_note(), "note.txt says that " SECRET) ||
        !STEP(demo, EXIT_DONE, "put", "program", demo->program) ||
        !STEP(demo, EXIT_DONE, "put", "note", "note.txt") ||
        !STEP(demo, EXIT_DONE, "ls", "-l", "-h"))
        return false;
    hold(demo, !store_shows("store", SECRET), "the secret is in no file of the store");

    title(demo, "They come out as they were");
    if (!STEP(demo, EXIT_DONE, "get", "program", "copy") || !STEP(demo, EXIT_DONE, "get", "note"))
        return false;
    hold(demo, files_equal("copy", demo->program),
         "the copy and the program are the same, byte for byte");

    title(demo, "Every hash and every tag is right");
    return STEP(demo, EXIT_DONE, "check");
}

static bool show_damage(struct demo *demo)
{
    char path[PATH_MAX];
    uint64_t offset = 0;
    char fact[PATH_MAX + 64];

    title(demo, "Somebody flips one bit in the store");
    if (!hold(demo, find_block(demo, path, &offset),
              "a block of \"program\" is found in the store"))
        return false;
    offset += 1234;
    (void)snprintf(fact, sizeof(fact), "byte %" PRIu64 " of %s has another bit now", offset, path);
    if (!hold(demo, flip_bit(path, offset), fact))
        return false;
    if (!STEP(demo, EXIT_CORRUPT, "get", "program", "copy2"))
        return false;
    hold(demo, access("copy2", F_OK) != 0, "no half or false copy was left behind");
    if (!STEP(demo, EXIT_DONE, "get", "note"))
        return false;
    hold(demo, true, "other objects are as good as ever");
    if (!STEP(demo, EXIT_CORRUPT, "check"))
        return false;

    title(demo, "The bit is put back");
    return hold(demo, flip_bit(path, offset), "nothing else had been changed") &&
           STEP(demo, EXIT_DONE, "check");
}

/* Read an object through to its end. */
static enum coffer_status read_through(struct coffer *store, const struct coffer_name *name,
                                       uint64_t *bytes)
{
    struct coffer_object *object;
    static uint8_t chunk[65536];
    enum coffer_status status = coffer_object_open(store, name, &object);
    uint64_t at = 0;
    size_t got = 1;

    if (status != COFFER_OK)
        return status;
    while (status == COFFER_OK && got > 0) {
        status = coffer_object_read(object, at, chunk, sizeof(chunk), &got);
        at += status == COFFER_OK ? got : 0;
    }
    *bytes += at;
    coffer_object_close(object);
    return status;
}

static enum coffer_status read_all(struct coffer *store, uint64_t *bytes)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    enum coffer_status status = coffer_list_open(store, NULL, &list);

    if (status != COFFER_OK)
        return status;
    while ((status = coffer_list_next(list, &entry)) == COFFER_OK) {
        const struct coffer_name name = {entry.ta, entry.id, entry.id_size};

        status = read_through(store, &name, bytes);
        if (status != COFFER_OK)
            break;
    }
    coffer_list_close(list);
    return status == COFFER_NOT_FOUND ? COFFER_OK : status;
}

static bool show_memory(struct demo *demo, struct coffer_statistics *statistics)
{
    enum coffer_status status;
    struct session session;
    char text[128], amount[SIZE_TEXT_SIZE];
    uint64_t bytes = 0;

    title(demo, "And the memory for it is what it was given, not more");
    demo->own.memory = COFFER_MEMORY_MIN;
    if (session_open(&demo->own, SESSION_READ, &session) != EXIT_DONE)
        return hold(demo, false, "the store opens in 256K of secure memory");
    status = read_all(session.store, &bytes);
    if (status == COFFER_OK)
        status = coffer_statistics_get(session.store, statistics);
    session_close(&session);
    size_format(bytes, amount);
    (void)snprintf(text, sizeof(text), "all objects, %s, were read inside 256K of secure memory",
                   amount);
    if (!hold(demo, status == COFFER_OK && statistics->memory_peak <= statistics->memory_total,
              text))
        return false;
    if (!demo->options->json) {
        putchar('\n');
        statistics_print_memory(statistics);
    }
    return true;
}

static bool prepare(struct demo *demo, const char *directory)
{
    char *store = NULL;
    bool good;
    ssize_t n = readlink("/proc/self/exe", demo->program, sizeof(demo->program) - 1);

    if (n < 0 || chdir(directory) != 0)
        return false;
    demo->program[n] = '\0';
    options_init(&demo->own);
    demo->own.quiet = true;
    demo->steps = json_object_new_array();
    /* The commands shown are as short as in daily use then; nothing of the user's is touched. */
    if (asprintf(&store, "%s/store", directory) < 0)
        store = must_have(NULL);
    good = setenv("COFFER_STORE", store, 1) == 0 && unsetenv("COFFER_KEY") == 0;
    free(store);
    return good;
}

static int remove_one(const char *path, const struct stat *state, int kind, struct FTW *where)
{
    (void)state;
    (void)kind;
    (void)where;
    return remove(path);
}

static enum exit_status tell_end(struct demo *demo, const struct coffer_statistics *statistics)
{
    struct json_object *value;

    if (demo->options->json) {
        value = json_object_new_object();
        json_object_object_add(value, "good", json_object_new_boolean(demo->good));
        json_object_object_add(value, "steps", json_object_get(demo->steps));
        json_object_object_add(value, "statistics",
                               statistics->crypto_library == NULL ? NULL
                                                                  : statistics_json(statistics));
        (void)output_json(value);
    }
    if (!demo->good)
        return fail_status(demo->options, COFFER_FAILED, "see the step marked above", "demo");
    say(demo, "\nAll as it should be. The directory is removed again.\n");
    return EXIT_DONE;
}

enum exit_status verb_demo(struct options *options, int argc, char **argv)
{
    static struct demo demo;
    struct coffer_statistics statistics = {0};
    const char *base = getenv("TMPDIR");
    char directory[PATH_MAX];
    enum exit_status result;
    struct call call;

    result = call_parse(&grammar, options, NULL, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    call_fini(&call);
    (void)snprintf(directory, sizeof(directory), "%s/coffer-demo-XXXXXX",
                   base != NULL && base[0] == '/' ? base : "/tmp");
    if (mkdtemp(directory) == NULL)
        return fail_errno(options, errno, "demo: directory %s", directory);
    demo = (struct demo){.options = options, .good = true};
    if (!prepare(&demo, directory)) {
        result = fail_errno(options, errno, "demo: directory %s", directory);
    } else {
        say(&demo,
            "Coffer keeps objects encrypted and authenticated in a directory that nobody has "
            "to trust.\nThis demo works in %s.\n",
            directory);
        demo.good = show_storing(&demo) && show_damage(&demo) && show_memory(&demo, &statistics) &&
                    demo.good;
        result = tell_end(&demo, &statistics);
    }
    json_object_put(demo.steps);
    if (chdir("/") != 0 || nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        note(options, "warning: %s could not be removed", directory);
    return result;
}
