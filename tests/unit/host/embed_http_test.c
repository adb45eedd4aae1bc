/* embed_http_test.c: an endpoint that answers, refuses, breaks off, is silent,
 * lies: played by a server of our own on this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "embed/embed_open.h"
#include "embed_server.h"
#include "midge/os.h"
#include "test_env.h"

#define KEY_NAME "MIDGE_TEST_EMBED_KEY"
#define KEY      "sk-secret/0123456789"
#define TEXT(s)  {s, sizeof(s) - 1}

enum { DIM = EMBED_SERVER_DIM };

/* Waits that are told, not waited for. */
typedef struct waits {
    uint32_t ms[32];
    size_t n;
    size_t stop_at; /* this wait ends the work; 0: none */
} waits;

static int note_wait(void *ctx, uint32_t ms) {
    waits *w = ctx;
    assert_true(w->n < 32);
    w->ms[w->n++] = ms;
    return w->n == w->stop_at;
}

typedef struct stage {
    struct test_env t;
    struct embed_server *server;
    waits waits;
    midge_embed_http_options options;
    midge_error err;
} stage;

static void set_stage(stage *s, const struct embed_scene *script,
                      size_t count) {
    memset(s, 0, sizeof *s);
    test_env_init(&s->t);
    s->server = embed_server_start(script, count);
    s->options = (midge_embed_http_options)MIDGE_EMBED_HTTP_DEFAULTS;
    s->options.url = embed_server_url(s->server, "/v1/embeddings");
    s->options.model = "letters-1";
    s->options.expect_dim = DIM;
    s->options.wait = note_wait;
    s->options.wait_ctx = &s->waits;
}

static midge_embedder *open_stage(stage *s) {
    midge_embedder *e;
    if (midge_embed_open_http(&s->t.env, &s->options, &e, &s->err) !=
        MIDGE_OK) {
        fail_msg("%s", s->err.text);
    }
    return e;
}

static void clear_stage(stage *s, midge_embedder *e) {
    midge_embedder_free(e);
    embed_server_free(s->server);
    assert_int_equal(s->t.held_bytes, 0);
}

static const struct embed_scene answers[] = {{SCENE_ANSWER, 0, NULL, NULL}};

static void assert_vectors(const midge_text *texts, size_t count,
                           const float *v, size_t dim) {
    float wanted[64];
    for (size_t i = 0; i < count; i++) {
        embed_server_vector(texts[i].data, texts[i].size, dim, wanted);
        assert_memory_equal(v + i * dim, wanted, dim * sizeof *v);
    }
}

static void vectors_belong_to_their_texts(void **state) {
    (void)state;
    stage s;
    set_stage(&s, answers, 1);
    setenv(KEY_NAME, KEY, 1);
    s.options.key_variable = KEY_NAME;
    s.options.batch = 3;
    midge_embedder *e = open_stage(&s);
    const midge_text texts[] = {TEXT("one"),   TEXT("two \"quoted\"\n\tand\\"),
                                TEXT("three"), TEXT("\xC3\xA4\xF0\x9F\x98\x80"),
                                TEXT("five"),  TEXT("six"),
                                TEXT("seven")};
    midge_embed_report report = {0};
    midge_embed_batch batch = {.count = 7, .texts = texts, .report = &report};
    float v[7 * DIM];
    assert_int_equal(embed_server_requests(s.server), 0);
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err), MIDGE_OK);
    assert_vectors(texts, 7, v, DIM);
    assert_int_equal(report.n_texts, 7);
    assert_int_equal(report.n_requests, 3);
    assert_int_equal(report.n_retries, 0);
    assert_int_equal(report.n_tokens, 70);
    assert_int_equal(midge_embedder_dim(e), DIM);
    assert_string_equal(midge_embedder_name(e),
                        "letters-1 at 127.0.0.1 (5 dimensions)");
    assert_int_equal(embed_server_requests(s.server), 3);
    const char *request = embed_server_request(s.server, 2);
    assert_ptr_equal(strstr(request, "POST /v1/embeddings HTTP/1.1\r\n"),
                     request);
    assert_non_null(strstr(request, "Authorization: Bearer " KEY "\r\n"));
    assert_non_null(strstr(request, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\n\r\n{\"model\":\"letters-1\",\"input\""
                                    ":[\"seven\"],\"encoding_format\":"
                                    "\"float\"}"));
    clear_stage(&s, e);
}

static void the_dim_is_learnt_or_asked_for(void **state) {
    (void)state;
    stage s;
    set_stage(&s, answers, 1);
    s.options.expect_dim = 0;
    s.options.url = embed_server_url(s.server, "/api/v1/");
    midge_embedder *e = open_stage(&s);
    assert_int_equal(midge_embedder_dim(e), DIM);
    assert_int_equal(embed_server_requests(s.server), 1);
    const char *request = embed_server_request(s.server, 0);
    assert_ptr_equal(strstr(request, "POST /api/v1/embeddings HTTP"), request);
    assert_non_null(strstr(request, "[\"dimension\"]"));
    assert_null(strstr(request, "\"dimensions\""));
    assert_null(strstr(request, "Authorization"));
    midge_embedder_free(e);
    s.options.dimensions = 17;
    e = open_stage(&s);
    assert_int_equal(embed_server_requests(s.server), 1);
    const midge_text text = TEXT("some letters");
    midge_embed_batch batch = {.count = 1, .texts = &text};
    float v[17];
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err), MIDGE_OK);
    assert_vectors(&text, 1, v, 17);
    request = embed_server_request(s.server, 1);
    assert_non_null(strstr(request, "\"dimensions\":17"));
    clear_stage(&s, e);
}

static void blank_texts_are_not_sent(void **state) {
    (void)state;
    stage s;
    set_stage(&s, answers, 1);
    s.options.batch = 2;
    midge_embedder *e = open_stage(&s);
    const midge_text texts[] = {TEXT(""),  TEXT("a"), TEXT(" "),
                                TEXT("b"), TEXT("c"), TEXT("\n")};
    uint8_t skipped[6];
    midge_embed_report report = {0};
    midge_embed_batch batch = {
        .count = 6, .texts = texts, .skipped = skipped, .report = &report};
    float v[6 * DIM];
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err), MIDGE_OK);
    assert_vectors(&texts[1], 1, v + DIM, DIM);
    assert_vectors(&texts[3], 2, v + 3 * DIM, DIM);
    assert_true(skipped[0] && !skipped[1] && skipped[2] && !skipped[3] &&
                !skipped[4] && skipped[5]);
    assert_true(v[0] != v[0]);
    assert_int_equal(report.n_requests, 2);
    assert_non_null(strstr(embed_server_request(s.server, 0), "[\"a\",\"b\"]"));
    batch.skipped = NULL;
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err),
                     MIDGE_E_NOT_FOUND);
    assert_int_equal(report.n_requests, 2);
    clear_stage(&s, e);
}

/* ---- What passes by itself ----------------------------------------------- */

static void what_may_pass_is_tried_again(void **state) {
    (void)state;
    static const struct embed_scene script[] = {
        {SCENE_STATUS, 429, "Retry-After: 7\r\n", "{}"},
        {SCENE_STATUS, 503, NULL, "busy"},
        {SCENE_CLOSE, 0, NULL, NULL},
        {SCENE_HALF, 0, NULL, NULL},
        {SCENE_STATUS, 500, NULL, ""},
        {SCENE_ANSWER, 0, NULL, NULL},
    };
    static const uint32_t wanted[] = {7000, 1000, 2000, 4000, 8000};
    stage s;
    set_stage(&s, script, 6);
    s.options.retries = 5;
    midge_embedder *e = open_stage(&s);
    const midge_text text = TEXT("again");
    midge_embed_report report = {0};
    midge_embed_batch batch = {.count = 1, .texts = &text, .report = &report};
    float v[DIM];
    if (midge_embedder_embed(e, &batch, v, &s.err) != MIDGE_OK) {
        fail_msg("%s", s.err.text);
    }
    assert_vectors(&text, 1, v, DIM);
    assert_int_equal(s.waits.n, 5);
    assert_memory_equal(s.waits.ms, wanted, sizeof wanted);
    assert_int_equal(report.n_requests, 6);
    assert_int_equal(report.n_retries, 5);
    clear_stage(&s, e);
}

struct refusal {
    struct embed_scene scene;
    midge_status status;
    const char *says;
    size_t requests; /* with two retries allowed */
};

static const struct refusal refusals[] = {
    {{SCENE_STATUS, 429, NULL, "{\"error\":{\"message\":\"slow down\"}}"},
     MIDGE_E_IO,
     "text 5: 127.0.0.1 answered 429: slow down",
     3},
    {{SCENE_STATUS, 429, "Retry-After: 3600\r\n", "{}"},
     MIDGE_E_IO,
     "answered 429",
     1},
    {{SCENE_STATUS, 401, NULL,
      "{\"error\":{\"message\":\"key " KEY " and sk-secret\\/0123456789 are "
      "wrong\"}}"},
     MIDGE_E_IO,
     "answered 401: key ******************** and ******************** are "
     "wrong",
     1},
    {{SCENE_STATUS, 400, NULL, "{\"detail\":\"too\\u0007 \\n long\"}"},
     MIDGE_E_IO,
     "answered 400: too long",
     1},
    {{SCENE_STATUS, 404, NULL, "<html>\r\n\x1B[31mnot\xFF here"},
     MIDGE_E_IO,
     "answered 404: <html> [31mnot here",
     1},
    {{SCENE_STATUS, 500, NULL, ""}, MIDGE_E_IO, "answered 500", 3},
    {{SCENE_STATUS, 204, NULL, ""}, MIDGE_E_IO, "answered 204", 1},
    {{SCENE_STATUS, 302, "Location: http://evil.example/x?y\r\n", ""},
     MIDGE_E_IO,
     "answered 302 and points to evil.example;",
     1},
    {{SCENE_STATUS, 307, "Location: /v2/embeddings\r\n", ""},
     MIDGE_E_IO,
     "points to 127.0.0.1;",
     1},
    {{SCENE_CLOSE, 0, NULL, NULL}, MIDGE_E_IO, "127.0.0.1: ", 3},
    {{SCENE_HALF, 0, NULL, NULL}, MIDGE_E_IO, "127.0.0.1: ", 3},
    {{SCENE_SILENCE, 0, NULL, NULL},
     MIDGE_E_TIMEOUT,
     "did not answer within 100 ms",
     3},
    {{SCENE_ENDLESS, 0, NULL, NULL},
     MIDGE_E_LIMIT,
     "more than 100000 bytes",
     1},
};

static void refusals_are_told(void **state) {
    (void)state;
    setenv(KEY_NAME, KEY, 1);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        stage s;
        set_stage(&s, &r->scene, 1);
        s.options.retries = 2;
        s.options.key_variable = KEY_NAME;
        s.options.response_max_bytes = 100000;
        if (r->scene.kind == SCENE_SILENCE) {
            s.options.timeout_ms = 100;
        }
        midge_embedder *e = open_stage(&s);
        const midge_text text = TEXT("a");
        midge_embed_batch batch = {.count = 1, .texts = &text, .first = 5};
        float v[DIM];
        midge_status status = midge_embedder_embed(e, &batch, v, &s.err);
        if (status != r->status || !strstr(s.err.text, r->says) ||
            strstr(s.err.text, "secret")) {
            fail_msg("case %zu: %d: %s", i, status, s.err.text);
        }
        embed_server_stop(s.server);
        if (embed_server_requests(s.server) != r->requests) {
            fail_msg("case %zu: %zu requests", i,
                     embed_server_requests(s.server));
        }
        clear_stage(&s, e);
    }
}

/* ---- Answers that are not as they should be ------------------------------ */

#define ITEM(index, numbers) "{\"index\":" index ",\"embedding\":[" numbers "]}"
#define DATA(items)          "{\"data\":[" items "]}"
#define V                    "1,2,3,4,5"

static const struct {
    const char *body;
    midge_status status;
    const char *says;
} lies[] = {
    {"", MIDGE_E_PARSE, "protocol"},
    {"not json", MIDGE_E_PARSE, "protocol"},
    {"[]", MIDGE_E_PARSE, "no list \"data\""},
    {"{\"data\":7}", MIDGE_E_PARSE, "no list \"data\""},
    {DATA(ITEM("0", V)), MIDGE_E_PARSE, "1 vectors for 2 texts"},
    {DATA(ITEM("0", V) "," ITEM("1", V) "," ITEM("2", V)), MIDGE_E_PARSE,
     "3 vectors for 2 texts"},
    {DATA(ITEM("0", V) "," ITEM("0", V)), MIDGE_E_PARSE, "twice"},
    {DATA(ITEM("0", V) "," ITEM("2", V)), MIDGE_E_PARSE, "out of range"},
    {DATA(ITEM("0", V) "," ITEM("-1", V)), MIDGE_E_PARSE, "out of range"},
    {DATA(ITEM("0", V) "," ITEM("1.0", V)), MIDGE_E_PARSE, "\"index\""},
    {DATA(ITEM("0", V) "," ITEM("\"1\"", V)), MIDGE_E_PARSE, "\"index\""},
    {DATA(ITEM("0", V) ",{\"embedding\":[1,2,3,4,5]}"), MIDGE_E_PARSE,
     "\"index\""},
    {DATA(ITEM("0", V) ",7"), MIDGE_E_PARSE, "\"index\""},
    {DATA(ITEM("0", V) ",{\"index\":1}"), MIDGE_E_PARSE, "\"embedding\""},
    {DATA(ITEM("0", V) ",{\"index\":1,\"embedding\":\"AAAA\"}"), MIDGE_E_PARSE,
     "\"embedding\""},
    {DATA(ITEM("0", V) "," ITEM("1", "")), MIDGE_E_PARSE, "\"embedding\""},
    {DATA(ITEM("0", V) "," ITEM("1", "1,2,3,4")), MIDGE_E_MISMATCH,
     "4 dimensions, and 5"},
    {DATA(ITEM("0", V) "," ITEM("1", "1,2,3,4,5,6")), MIDGE_E_MISMATCH,
     "6 dimensions, and 5"},
    {DATA(ITEM("0", V) "," ITEM("1", "1,2,3,4,null")), MIDGE_E_PARSE,
     "no number"},
    {DATA(ITEM("0", V) "," ITEM("1", "1,2,3,4,\"5\"")), MIDGE_E_PARSE,
     "no number"},
    {DATA(ITEM("0", V) "," ITEM("1", "1,2,3,4,1e39")), MIDGE_E_PARSE,
     "too large"},
    {DATA(ITEM("0", V) "," ITEM("1", "1,2,3,4,NaN")), MIDGE_E_PARSE,
     "protocol"},
    {DATA(ITEM("0", V) "," ITEM("1", "0,0,0,-0.0,1e-60")), MIDGE_E_PARSE,
     "all zeros"},
    {DATA(ITEM("0", V) "," ITEM("1", V)) " trailing", MIDGE_E_PARSE,
     "protocol"},
};

static void lies_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct embed_scene scene = {SCENE_STATUS, 200, NULL, lies[i].body};
        stage s;
        set_stage(&s, &scene, 1);
        midge_embedder *e = open_stage(&s);
        const midge_text texts[] = {TEXT("a"), TEXT("b")};
        midge_embed_batch batch = {.count = 2, .texts = texts, .first = 1};
        float v[2 * DIM];
        midge_status status = midge_embedder_embed(e, &batch, v, &s.err);
        if (status != lies[i].status || !strstr(s.err.text, lies[i].says) ||
            !strstr(s.err.text, "texts 1 to 2: ")) {
            fail_msg("case %zu: %d: %s", i, status, s.err.text);
        }
        assert_int_equal(s.waits.n, 0); /* not tried again */
        clear_stage(&s, e);
    }
}

/* The truth in the same form is taken, in either order. */
static void the_truth_is_taken(void **state) {
    (void)state;
    struct embed_scene scene = {
        SCENE_STATUS, 200, NULL,
        DATA(ITEM("1", "-0.5,1e-3,2E2,0,7") "," ITEM("0", V))};
    static const float wanted[] = {1, 2, 3, 4, 5, -0.5f, 1e-3f, 200, 0, 7};
    stage s;
    set_stage(&s, &scene, 1);
    midge_embedder *e = open_stage(&s);
    const midge_text texts[] = {TEXT("a"), TEXT("b")};
    midge_embed_batch batch = {.count = 2, .texts = texts};
    float v[2 * DIM];
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err), MIDGE_OK);
    assert_memory_equal(v, wanted, sizeof v);
    clear_stage(&s, e);
}

/* ---- Ending it ----------------------------------------------------------- */

static int stop_after(void *ctx, size_t done, size_t total) {
    size_t *most = ctx;
    assert_true(done <= total);
    return done >= *most;
}

static void it_can_be_ended(void **state) {
    (void)state;
    static const struct embed_scene script[] = {{SCENE_ANSWER, 0, NULL, NULL},
                                                {SCENE_SILENCE, 0, NULL, NULL}};
    stage s;
    set_stage(&s, script, 2);
    s.options.batch = 1;
    midge_embedder *e = open_stage(&s);
    const midge_text texts[] = {TEXT("a"), TEXT("b"), TEXT("c")};
    float v[3 * DIM];
    size_t most = 1;
    midge_embed_batch batch = {.count = 3,
                               .texts = texts,
                               .progress = stop_after,
                               .progress_ctx = &most};
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err),
                     MIDGE_E_CANCELLED);
    assert_int_equal(embed_server_requests(s.server), 1);
    most = 0; /* while it waits for an answer */
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err),
                     MIDGE_E_CANCELLED);
    clear_stage(&s, e);

    static const struct embed_scene busy[] = {{SCENE_STATUS, 503, NULL, ""}};
    set_stage(&s, busy, 1);
    s.waits.stop_at = 2;
    e = open_stage(&s);
    batch.progress = NULL;
    assert_int_equal(midge_embedder_embed(e, &batch, v, &s.err),
                     MIDGE_E_CANCELLED);
    assert_int_equal(s.waits.n, 2);
    clear_stage(&s, e);
}

/* ---- Options ------------------------------------------------------------- */

static void expect_wrong(stage *s, midge_status status, const char *says) {
    midge_embedder *e = (midge_embedder *)s;
    midge_status found =
        midge_embed_open_http(&s->t.env, &s->options, &e, &s->err);
    if (found != status || !strstr(s->err.text, says)) {
        fail_msg("%d: %s, not: %s", found, s->err.text, says);
    }
    assert_null(e);
    assert_int_equal(s->t.held_bytes, 0);
}

static void wrong_urls_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *url, *says;
    } cases[] = {
        {NULL, "no url"},
        {"", "no url"},
        {"nonsense", "http"},
        {"//host/v1", "http"},
        {"ftp://host/v1", "must begin with"},
        {"file:///etc/passwd", "must begin with"},
        {"http://u:p@127.0.0.1/v1", "user or password"},
        {"http://u@127.0.0.1/v1", "user or password"},
        {"http://127.0.0.1:99999/v1", "not one"},
    };
    stage s;
    set_stage(&s, answers, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        s.options.url = cases[i].url;
        expect_wrong(&s, MIDGE_E_INVALID, cases[i].says);
    }
    clear_stage(&s, NULL);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    stage s;
    set_stage(&s, answers, 1);
    const midge_embed_http_options good = s.options;
    s.options.model = NULL;
    expect_wrong(&s, MIDGE_E_INVALID, "model");
    s.options = good;
    s.options.batch = 2049;
    expect_wrong(&s, MIDGE_E_INVALID, "2049");
    s.options = good;
    s.options.dimensions = 65537;
    expect_wrong(&s, MIDGE_E_INVALID, "65537");
    s.options.dimensions = 6;
    expect_wrong(&s, MIDGE_E_MISMATCH, "6 dimensions are asked for, and 5");
    s.options = good;
    s.options.key_variable = KEY_NAME;
    unsetenv(KEY_NAME);
    expect_wrong(&s, MIDGE_E_INVALID, KEY_NAME);
    setenv(KEY_NAME, "", 1);
    expect_wrong(&s, MIDGE_E_INVALID, KEY_NAME);
    setenv(KEY_NAME, "a\r\nX-Evil: secret", 1);
    expect_wrong(&s, MIDGE_E_INVALID, KEY_NAME);
    assert_null(strstr(s.err.text, "secret"));
    setenv(KEY_NAME, KEY, 1);
    s.options.url = "http://192.0.2.1/v1/embeddings?code=secret";
    expect_wrong(&s, MIDGE_E_INVALID, "over http");
    assert_null(strstr(s.err.text, "secret"));
    static const char *const far[] = {
        "http://127.0.0.1.example/v1", "http://127.example/v1",
        "http://localhost.example/v1", "http://[::2]/v1"};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        s.options.url = far[i];
        expect_wrong(&s, MIDGE_E_INVALID, "over http");
    }
    s.options.url = "http://192.0.2.1/v1/embeddings?code=secret";
    s.options.plain_key = 1; /* opening sends nothing: the dim is known */
    midge_embedder *e = open_stage(&s);
    midge_embedder_free(e);
    s.options.plain_key = 0;
    s.options.key_variable = NULL;
    e = open_stage(&s);
    assert_string_equal(midge_embedder_name(e),
                        "letters-1 at 192.0.2.1 (5 dimensions)");
    assert_int_equal(embed_server_requests(s.server), 0);
    clear_stage(&s, e);
}

static void nobody_listens(void **state) {
    (void)state;
    stage s;
    set_stage(&s, answers, 1);
    s.options.expect_dim = 0;
    embed_server_stop(s.server);
    expect_wrong(&s, MIDGE_E_IO, "127.0.0.1: ");
    assert_int_equal(s.waits.n, 0);
    clear_stage(&s, NULL);
}

/* ---- State --------------------------------------------------------------- */

static void a_state_knows_its_model(void **state) {
    (void)state;
    stage s;
    midge_buf bytes;
    set_stage(&s, answers, 1);
    s.options.dimensions = DIM;
    midge_embedder *e = open_stage(&s);
    midge_buf_init(&bytes, &s.t.env, 0);
    assert_int_equal(midge_embedder_state_write(e, &bytes), MIDGE_OK);
    assert_int_equal(
        midge_embedder_state_read(e, bytes.data, bytes.size, &s.err), MIDGE_OK);
    midge_embedder_free(e);
    s.options.model = "letters-2";
    e = open_stage(&s);
    assert_int_equal(
        midge_embedder_state_read(e, bytes.data, bytes.size, &s.err),
        MIDGE_E_MISMATCH);
    assert_non_null(strstr(s.err.text, "letters-1, not letters-2"));
    midge_embedder_free(e);
    s.options.model = "letters-1";
    s.options.dimensions = 0;
    e = open_stage(&s);
    assert_int_equal(
        midge_embedder_state_read(e, bytes.data, bytes.size, &s.err),
        MIDGE_E_MISMATCH);
    midge_buf_deinit(&bytes);
    clear_stage(&s, e);
}

/* Memory from the env may end at any call; libcurl has its own. */
static void memory_may_end_anywhere(void **state) {
    (void)state;
    stage s;
    set_stage(&s, answers, 1);
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status == MIDGE_E_NOMEM; n++) {
        midge_embedder *e;
        const midge_text text = TEXT("a");
        midge_embed_batch batch = {.count = 1, .texts = &text};
        float v[DIM];
        s.t.calls = 0;
        s.t.fail_at = n;
        status = midge_embed_open_http(&s.t.env, &s.options, &e, &s.err);
        if (status == MIDGE_OK) {
            status = midge_embedder_embed(e, &batch, v, &s.err);
        }
        assert_true(status == MIDGE_OK || s.err.status == MIDGE_E_NOMEM);
        midge_embedder_free(e);
        assert_int_equal(s.t.held_bytes, 0);
    }
    assert_int_equal(status, MIDGE_OK);
    clear_stage(&s, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_belong_to_their_texts),
        cmocka_unit_test(the_dim_is_learnt_or_asked_for),
        cmocka_unit_test(blank_texts_are_not_sent),
        cmocka_unit_test(what_may_pass_is_tried_again),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(the_truth_is_taken),
        cmocka_unit_test(it_can_be_ended),
        cmocka_unit_test(wrong_urls_are_refused),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_state_knows_its_model),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
