/* embed_server.h: a server of OpenAI's /v1/embeddings on this machine, for
 * tests. It is a double of the protocol and of nothing else: its vectors count
 * letters, so that a test knows which text each belongs to.
 *
 * It does what the script says, an entry for each request, and goes on with its
 * last entry; requests are kept to be looked at. */
#ifndef EMBED_SERVER_H
#define EMBED_SERVER_H

#include <stddef.h>

enum embed_scene_kind {
    SCENE_ANSWER,  /* vectors, the last first */
    SCENE_STATUS,  /* `status`, `headers`, `body` */
    SCENE_CLOSE,   /* hangs up without a word */
    SCENE_HALF,    /* hangs up in the middle of an answer */
    SCENE_SILENCE, /* says nothing until the client hangs up */
    SCENE_ENDLESS  /* an answer that does not end */
};

struct embed_scene {
    enum embed_scene_kind kind;
    int status;
    const char *headers; /* NULL, or lines that end with \r\n */
    const char *body;
};

enum { EMBED_SERVER_DIM = 5, EMBED_REQUESTS_MAX = 64 };

struct embed_server;

struct embed_server *embed_server_start(const struct embed_scene *script,
                                        size_t count);
/* Ends the server, which then can still be asked for its requests. */
void embed_server_stop(struct embed_server *server);
void embed_server_free(struct embed_server *server);
/* "http://127.0.0.1:PORT" and `path`; good until the next call. */
const char *embed_server_url(struct embed_server *server, const char *path);
size_t embed_server_requests(struct embed_server *server);
/* A request as it came: headers, an empty line, the body. */
const char *embed_server_request(struct embed_server *server, size_t i);

/* The vector of a text: how many of its bytes are 0, 1, ... modulo `dim`. */
void embed_server_vector(const char *text, size_t size, size_t dim, float *out);

#endif
