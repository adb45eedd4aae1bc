/* temp_dir.h: a fresh folder for one test, removed with all that is in it. */
#ifndef TEMP_DIR_H
#define TEMP_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct temp_dir {
    char path[128];
};

static inline int temp_dir_remove_one(const char *path, const struct stat *st,
                                      int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void temp_dir_make(struct temp_dir *dir) {
    snprintf(dir->path, sizeof dir->path, "midge-test-XXXXXX");
    if (!mkdtemp(dir->path)) {
        perror("mkdtemp");
        abort();
    }
}

static inline void temp_dir_remove(struct temp_dir *dir) {
    nftw(dir->path, temp_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* dir/name in a rotating place: good for a handful of uses in one call. */
static inline const char *temp_dir_file(const struct temp_dir *dir,
                                        const char *name) {
    static char paths[8][256];
    static unsigned at;
    char *path = paths[at++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir->path, name);
    return path;
}

#endif
