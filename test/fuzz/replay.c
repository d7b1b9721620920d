// Gives every file of a fuzzer's corpus to its entry point, as a test: replay FOLDER. A broken promise ends the program.

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_no_dot_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool
replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file)
        return false;
    bool good = fstat(fileno(file), &about) == 0;
    size_t size = good ? (size_t)about.st_size : 0;
    // Exactly as large as the input, so that a sanitizer sees a read behind its end.
    uint8_t *data = malloc(size);
    good = good && (size == 0 || (data && fread(data, 1, size, file) == size));
    fclose(file);
    if (good)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return good;
}

int
main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int count = argc == 2 ? scandir(argv[1], &entries, is_no_dot_file, alphasort) : 0;
    int failed = 0;
    printf("1..%d\n", count > 0 ? count : 1);
    if (count <= 0)
        printf("not ok 1 no corpus in %s\n", argc == 2 ? argv[1] : "?");
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        fflush(stdout);
        bool good = replay(path);
        printf("%s %d %s\n", good ? "ok" : "not ok", i + 1, entries[i]->d_name);
        failed += !good;
        free(entries[i]);
    }
    free(entries);
    return failed || count <= 0;
}
