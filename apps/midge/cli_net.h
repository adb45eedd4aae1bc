/* cli_net.h: what the commands about neural networks share. */
#ifndef CLI_NET_H
#define CLI_NET_H

#include "cli.h"
#include "cli_bar.h"

#define CLI_MODEL_BYTES_MAX ((size_t)1 << 30)

/* Reads a file into `out`, which is the caller's to give back, also when this
 * complains. 0 or an exit code. */
int cli_read_bytes(cli *c, const char *path, size_t max_bytes, midge_buf *out);
/* Complains about what an operation said. */
int cli_net_complain(midge_status status, const char *about,
                     const midge_error *err);
/* Measures on stdout, a line each; `beside` (may be NULL) has the same of
 * something else. */
void cli_print_measures(const midge_json *measures, const midge_json *beside);

#endif
