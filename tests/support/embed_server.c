/* embed_server.c: one thread, one connection after the other. */
#include "embed_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "midge/json.h"
#include "midge/os.h"

enum { REQUEST_MAX = 1 << 20 };

struct embed_server {
    pthread_t thread;
    pthread_mutex_t mutex;
    int listener;
    int port;
    int stopped;
    const struct embed_scene *script;
    size_t n_script;
    char *requests[EMBED_REQUESTS_MAX];
    size_t n_requests;
    char url[256];
};

static void die(const char *what) {
    perror(what);
    abort();
}

static int send_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0) {
            return 0;
        }
        bytes += n;
        size -= (size_t)n;
    }
    return 1;
}

static void send_answer(int fd, int status, const char *headers,
                        const char *body, size_t size) {
    char head[512];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d Scene\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n%s\r\n",
                     status, size, headers ? headers : "");
    if (send_all(fd, head, (size_t)n)) {
        (void)send_all(fd, body, size);
    }
}

void embed_server_vector(const char *text, size_t size, size_t dim,
                         float *out) {
    for (size_t j = 0; j < dim; j++) {
        out[j] = 0;
    }
    for (size_t i = 0; i < size; i++) {
        out[(unsigned char)text[i] % dim] += 1;
    }
}

static void write_vector(midge_json_writer *w, const midge_json *text,
                         size_t index, size_t dim) {
    float *v = malloc(dim * sizeof *v);
    embed_server_vector(text->string, text->count, dim, v);
    midge_json_begin_object(w);
    midge_json_key(w, "object");
    midge_json_string(w, "embedding");
    midge_json_key(w, "index");
    midge_json_int(w, (int64_t)index);
    midge_json_key(w, "embedding");
    midge_json_begin_array(w);
    for (size_t j = 0; j < dim; j++) {
        midge_json_float(w, v[j]);
    }
    midge_json_end_array(w);
    midge_json_end_object(w);
    free(v);
}

/* Vectors for the texts of a request, the last first: a client must go by the
 * "index". */
static void send_vectors(int fd, const char *request) {
    const char *body = strstr(request, "\r\n\r\n") + 4;
    midge_env env = midge_os_env();
    midge_arena arena;
    midge_buf out;
    midge_json_writer w;
    const midge_json *root = NULL;
    midge_arena_init(&arena, &env, 0);
    midge_buf_init(&out, &env, 0);
    if (midge_json_read(&arena, body, strlen(body), &root, NULL) != MIDGE_OK) {
        send_answer(fd, 400, NULL, "{\"error\":\"no JSON\"}", 19);
        return;
    }
    const midge_json *input = midge_json_get(root, "input");
    size_t dim =
        (size_t)midge_json_get_int(root, "dimensions", EMBED_SERVER_DIM);
    midge_json_writer_init(&w, &out, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "object");
    midge_json_string(&w, "list");
    midge_json_key(&w, "data");
    midge_json_begin_array(&w);
    for (size_t i = input ? input->count : 0; i-- > 0;) {
        const midge_json *text = input->child;
        for (size_t k = 0; k < i; k++) {
            text = text->next;
        }
        write_vector(&w, text, i, dim);
    }
    midge_json_end_array(&w);
    midge_json_key(&w, "usage");
    midge_json_begin_object(&w);
    midge_json_key(&w, "total_tokens");
    midge_json_int(&w, input ? 10 * (int64_t)input->count : 0);
    midge_json_end_object(&w);
    midge_json_end_object(&w);
    if (midge_json_writer_end(&w) != MIDGE_OK) {
        abort();
    }
    send_answer(fd, 200, NULL, out.data, out.size);
    midge_buf_deinit(&out);
    midge_arena_deinit(&arena);
}

/* All of a request, by its Content-Length; NULL when the client hung up. */
static char *read_request(int fd) {
    char *text = malloc(REQUEST_MAX + 1);
    size_t size = 0;
    size_t wanted = REQUEST_MAX;
    while (size < wanted) {
        ssize_t n = recv(fd, text + size, REQUEST_MAX - size, 0);
        if (n <= 0) {
            free(text);
            return NULL;
        }
        size += (size_t)n;
        text[size] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strstr(text, "Content-Length: ");
        if (end && length) {
            wanted = (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10);
        }
    }
    return text;
}

static void wait_for_end(int fd) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
}

static void play(int fd, const struct embed_scene *scene, const char *request) {
    static const char spaces[4096] = {' '};
    switch (scene->kind) {
    case SCENE_ANSWER:
        send_vectors(fd, request);
        break;
    case SCENE_STATUS:
        send_answer(fd, scene->status, scene->headers, scene->body,
                    strlen(scene->body));
        break;
    case SCENE_CLOSE:
        break;
    case SCENE_HALF:
        (void)send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
                       41);
        break;
    case SCENE_SILENCE:
        wait_for_end(fd);
        break;
    case SCENE_ENDLESS:
        if (send_all(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 38)) {
            while (send_all(fd, spaces, sizeof spaces)) {
            }
        }
        break;
    }
}

static void serve_one(struct embed_server *s, int fd) {
    char *request = read_request(fd);
    if (!request) {
        return;
    }
    pthread_mutex_lock(&s->mutex);
    size_t i = s->n_requests < s->n_script ? s->n_requests : s->n_script - 1;
    if (s->n_requests == EMBED_REQUESTS_MAX) {
        abort();
    }
    s->requests[s->n_requests++] = request;
    pthread_mutex_unlock(&s->mutex);
    play(fd, &s->script[i], request);
}

static void *serve(void *arg) {
    struct embed_server *s = arg;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        pthread_mutex_lock(&s->mutex);
        int stopped = s->stopped;
        pthread_mutex_unlock(&s->mutex);
        if (fd < 0 || stopped) {
            if (fd >= 0) {
                close(fd);
            }
            return NULL;
        }
        serve_one(s, fd);
        close(fd);
    }
}

struct embed_server *embed_server_start(const struct embed_scene *script,
                                        size_t count) {
    struct embed_server *s = calloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->script = script;
    s->n_script = count;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 ||
        bind(s->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(s->listener, 16) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &size) != 0) {
        die("embed_server");
    }
    s->port = ntohs(at.sin_port);
    pthread_mutex_init(&s->mutex, NULL);
    if (pthread_create(&s->thread, NULL, serve, s) != 0) {
        die("pthread_create");
    }
    return s;
}

void embed_server_stop(struct embed_server *s) {
    if (s->listener < 0) {
        return;
    }
    pthread_mutex_lock(&s->mutex);
    s->stopped = 1;
    pthread_mutex_unlock(&s->mutex);
    (void)shutdown(s->listener, SHUT_RDWR); /* accept returns */
    pthread_join(s->thread, NULL);
    close(s->listener);
    s->listener = -1;
}

void embed_server_free(struct embed_server *s) {
    embed_server_stop(s);
    for (size_t i = 0; i < s->n_requests; i++) {
        free(s->requests[i]);
    }
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const char *embed_server_url(struct embed_server *s, const char *path) {
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d%s", s->port,
                   path);
    return s->url;
}

size_t embed_server_requests(struct embed_server *s) {
    pthread_mutex_lock(&s->mutex);
    size_t n = s->n_requests;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

const char *embed_server_request(struct embed_server *s, size_t i) {
    return i < embed_server_requests(s) ? s->requests[i] : "";
}
