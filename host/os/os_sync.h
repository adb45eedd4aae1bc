/* os_sync.h: what the files of this folder share. */
#ifndef MDG_OS_SYNC_H
#define MDG_OS_SYNC_H

#include "midge/status.h"

/* Makes the entry of `path` in its folder durable. */
midge_status mdg_os_sync_parent(const char *path, midge_error *err);

#endif
