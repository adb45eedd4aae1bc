/* os.h: the operating system, as the rest of Midge sees it: memory and CPU for
 * a midge_env, threads for its loops, clocks, files written whole or not at
 * all, blobs, locks. */
#ifndef MIDGE_OS_H
#define MIDGE_OS_H

#include "midge/buf.h"
#include "midge/hash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An env over the C library's allocator and the CPU that is running.
 * MIDGE_CPU=scalar|v2|avx2|avx512 in the environment lowers the CPU bits; any
 * other value leaves them as they are. */
MIDGE_API midge_env midge_os_env(void);

MIDGE_API int64_t midge_os_unix_ms(void);
MIDGE_API double midge_os_monotonic_ms(void);
MIDGE_API unsigned midge_os_cores(void);

/* What the system tells of the machine: "" or -1 where it does not. Files of
 * /proc and /sys are read, so this is for a report, not for a loop. */
typedef struct midge_os_info {
    char system[176];    /* "Linux 6.1.0 x86_64" */
    char cpu_model[128]; /* as the vendor calls it */
    int64_t memory_total_bytes;
    int64_t memory_available_bytes; /* without swapping */
    int64_t memory_limit_bytes;     /* of the control group; -1: none */
    int64_t cores_online;
} midge_os_info;
MIDGE_API void midge_os_info_read(midge_os_info *out);

/* Looks for a program in PATH as a shell does. 1 and its path, or 0 and "". */
MIDGE_API int midge_os_find_program(const char *name, char *path, size_t size);

/* A pool of `threads` threads, the caller's one of them; 0 means as many as
 * midge_os_cores, at most MIDGE_OS_POOL_THREADS_MAX. MIDGE_E_LIMIT for a larger
 * number than that, MIDGE_E_NOMEM when a thread cannot be started (err says
 * which and why; then none is left). The pool does not survive a fork: the
 * child may neither use nor free it. */
#define MIDGE_OS_POOL_THREADS_MAX 1024u
typedef struct midge_os_pool midge_os_pool;
MIDGE_API MIDGE_NODISCARD midge_status midge_os_pool_new(unsigned threads,
                                                         midge_os_pool **out,
                                                         midge_error *err);
/* Gives the pool's threads to the loops of `env`, which borrows the pool. Any
 * thread may start a loop. The pool serves one loop at a time: one that starts
 * meanwhile, from another caller or from within a body, runs in its caller, as
 * one share (with the worker of the body, or 0). An idle pool uses no time:
 * its threads spin for some 50 us after a loop, then sleep. */
MIDGE_API void midge_os_pool_attach(midge_os_pool *pool, midge_env *env);
/* NULL is accepted. No loop may be running. Ends and joins the threads. */
MIDGE_API void midge_os_pool_free(midge_os_pool *pool);

/* Appends a regular file of at most `max_bytes` to `out`. Errors name the path
 * and why (absent, directory, not a regular file, too large, unreadable). */
MIDGE_API MIDGE_NODISCARD midge_status midge_os_read_file(const char *path,
                                                          size_t max_bytes,
                                                          midge_buf *out,
                                                          midge_error *err);
/* Writes to a temporary name, fsyncs, renames, fsyncs the folder. */
MIDGE_API MIDGE_NODISCARD midge_status midge_os_write_file(const char *path,
                                                           const void *bytes,
                                                           size_t size,
                                                           midge_error *err);
/* Makes the entry of `path` in its folder durable: after a rename, or for a new
 * file. */
MIDGE_API MIDGE_NODISCARD midge_status midge_os_sync_parent(const char *path,
                                                            midge_error *err);
MIDGE_API MIDGE_NODISCARD midge_status midge_os_make_dirs(const char *path,
                                                          midge_error *err);

/* A lock held by this process until unlocked or until it dies. MIDGE_E_BUSY
 * when another process has it (err names its pid when known). */
typedef struct midge_os_lock {
    int fd;
} midge_os_lock;
MIDGE_API MIDGE_NODISCARD midge_status midge_os_lock_file(const char *path,
                                                          midge_os_lock *lock,
                                                          midge_error *err);
MIDGE_API void midge_os_unlock(midge_os_lock *lock);

/* Blobs: files named by their SHA-256 under `dir`. Putting twice is free.
 * Reading checks the hash: MIDGE_E_CORRUPT on a damaged blob. `ref` is
 * "sha256:" and 64 hex digits. */
MIDGE_API MIDGE_NODISCARD midge_status midge_os_blob_put(const char *dir,
                                                         const void *bytes,
                                                         size_t size,
                                                         char ref[72],
                                                         midge_error *err);
MIDGE_API MIDGE_NODISCARD midge_status midge_os_blob_get(const char *dir,
                                                         const char *ref,
                                                         midge_buf *out,
                                                         midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
