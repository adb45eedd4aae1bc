/* cli_index.h: what the files of `midge index` share. */
#ifndef CLI_INDEX_H
#define CLI_INDEX_H

#include "cli.h"
#include "cli_bar.h"
#include "midge/embed.h"
#include "midge/index_file.h"
#include "midge/os.h"
#include "midge/vector_source.h"

#define CLI_INPUT_BYTES_MAX ((size_t)1 << 38)

/* An index file that is open, with threads for its work. */
typedef struct cli_index {
    midge_os_pool *pool;
    midge_index_file *file;
    midge_index *index;
    cli_bar bar; /* of writing the whole file */
    char path[CLI_PATH_MAX];
} cli_index;

/* ---- cli_index.c --------------------------------------------------------- */

/* Opens the argument `file`. 0, or an exit code after complaining. */
int cli_index_open(cli *c, int read_only, cli_index *out);
void cli_index_close(cli *c, cli_index *open);
/* `--threads`, for work without an index file. */
int cli_index_threads(cli *c, midge_os_pool **pool);
const char *cli_metric_name(midge_metric metric);
const char *cli_column_kind_name(midge_column_kind kind);
/* Complains about the index file. */
int cli_index_complain(const cli_index *open, midge_status status,
                       const midge_error *err);
/* A filter of the argument `filter`; NULL without one. */
int cli_index_filter(cli *c, const cli_index *open, midge_filter **out);
/* Commits, with a bar when the whole file is written. */
int cli_index_commit(cli_index *open);
/* The id of a row as JSON. */
void cli_index_put_id(const cli_index *open, uint32_t row,
                      midge_json_writer *w);

/* ---- cli_index_input.c: files of vectors, texts ---------------------------
 */

typedef struct cli_input {
    midge_buf bytes;
    midge_vector_source *source;
    const char *path;
} cli_input;

/* The bytes of a file, or of standard input (-), into a buffer that is the
 * caller's to give back, also when this complains. */
int cli_read_input(cli *c, const char *path, midge_buf *out);
/* Opens a file (or - , standard input) by `options` but its format, which is
 * the argument `format` or told by the name. */
int cli_input_open(cli *c, const char *path, midge_source_options *options,
                   cli_input *out);
void cli_input_close(cli_input *input);
int cli_input_complain(const cli_input *input, midge_status status,
                       const midge_error *err);
/* The embedder that --words or --embed-url names; complains without one. Of
 * word vectors only what these texts (count) need is read; NULL: all. What was
 * fitted for the index is in a file beside it; without that file loading does
 * nothing.
 */
int cli_embedder_open(cli *c, const cli_index *open, const midge_text *texts,
                      size_t count, midge_embedder **out);
int cli_embedder_load(const cli_index *open, midge_embedder *embedder);
int cli_embedder_save(cli *c, const cli_index *open,
                      const midge_embedder *embedder);

/* ---- The commands -------------------------------------------------------- */

int cli_index_create(cli *c);
int cli_index_add(cli *c);
int cli_index_search(cli *c);
int cli_index_delete(cli *c);
int cli_index_info(cli *c);
int cli_index_verify(cli *c);
int cli_index_compact(cli *c);
int cli_index_tune(cli *c);
int cli_index_export(cli *c);

#endif
