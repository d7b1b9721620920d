// Gives every file of a fuzzer's corpus to its entry point, as a test: replay FOLDER. A broken promise ends the program.

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 4096

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The names of the files in a folder, sorted; gives how many.
static size_t
list_names(const char *folder, char *names[MOST])
{
    size_t count = 0;
    struct dirent *entry;
    DIR *opened = opendir(folder);
    while (opened && count < MOST && (entry = readdir(opened)))
        if (entry->d_name[0] != '.')
            names[count++] = strdup(entry->d_name);
    if (opened)
        closedir(opened);
    qsort(names, count, sizeof *names, compare_names);
    return count;
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
    static char *names[MOST];
    size_t count = argc == 2 ? list_names(argv[1], names) : 0;
    int failed = 0;
    printf("1..%zu\n", count > 0 ? count : 1);
    if (count == 0)
        printf("not ok 1 no corpus in %s\n", argc == 2 ? argv[1] : "?");
    for (size_t i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]);
        fflush(stdout);
        bool good = replay(path);
        printf("%s %zu %s\n", good ? "ok" : "not ok", i + 1, names[i]);
        failed += !good;
        free(names[i]);
    }
    return failed || count == 0;
}
