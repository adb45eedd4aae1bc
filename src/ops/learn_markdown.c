/* learn_markdown.c: the report for a person. */
#include <string.h>

#include "ops/learn_candidate.h"
#include "ops/learn_report.h"
#include "ops/learn_text.h"

static void put(midge_buf *out, const char *text) {
    (void)midge_buf_puts(out, text);
}

/* Text of a table's cell: what would end the cell or the line is blanked. */
static void put_cell(midge_buf *out, const char *text) {
    for (; *text; text++) {
        char c = *text == '|' || *text == '\n' || *text == '\r' ? ' ' : *text;
        (void)midge_buf_append(out, &c, 1);
    }
}

static int is_accuracy(const mdg_report *r) {
    return strcmp(midge_json_get_string(r->load, "problem", ""),
                  "classification") == 0;
}

/* 96.35 % or 0.874 */
static void put_score(const mdg_report *r, midge_buf *out, double score) {
    if (is_accuracy(r)) {
        mdg_text_fixed(out, 100.0 * score, 2);
        put(out, " %");
    } else {
        mdg_text_fixed(out, score, 4);
    }
}

/* A score among the members of `value`, or a dash. */
static void put_member(const mdg_report *r, midge_buf *out,
                       const midge_json *value, const char *key) {
    const midge_json *score = midge_json_get(value, key);
    if (score &&
        (score->type == MIDGE_JSON_DOUBLE || score->type == MIDGE_JSON_INT)) {
        put_score(r, out, score->number);
    } else {
        put(out, "-");
    }
}

static void put_range(const mdg_report *r, midge_buf *out,
                      const midge_json *value) {
    put_member(r, out, value, "low");
    put(out, " to ");
    put_member(r, out, value, "high");
}

static void put_data(const mdg_report *r, midge_buf *out) {
    put(out, "# ");
    put_cell(out, r->title);
    put(out, ": ");
    put_cell(out, midge_json_get_string(r->load, "target", ""));
    put(out, "\n\n");
    mdg_text_int(out, midge_json_get_int(r->load, "rows", 0));
    put(out, " rows");
    int64_t without = midge_json_get_int(r->load, "rows_without_target", 0);
    if (without > 0) {
        put(out, " (");
        mdg_text_int(out, without);
        put(out, " without a target, left out)");
    }
    put(out, ", a ");
    put(out, midge_json_get_string(r->load, "problem", ""));
    put(out, " with ");
    mdg_text_int(out, midge_json_get_int(r->split, "n_features", 0));
    put(out, " features. Learned from ");
    mdg_text_int(out, midge_json_get_int(r->split, "n_train", 0));
    put(out, " rows; tested on ");
    mdg_text_int(out, midge_json_get_int(r->split, "n_test", 0));
    put(out, " rows that no agent ever saw. Seed ");
    mdg_text_int(out, r->seed);
    put(out, ".\n");
}

static void put_result(const mdg_report *r, midge_buf *out) {
    const midge_json *test = midge_json_get(r->test, "test");
    const midge_json *best = midge_json_get(r->test, "best_single");
    const midge_json *diff = midge_json_get(r->test, "difference");
    put(out, "\n## Result\n\nThe ensemble: **");
    put_member(r, out, test, "score");
    put(out, "** ");
    put(out, midge_json_get_string(test, "metric", ""));
    put(out, " on the test rows (95 % interval ");
    put_range(r, out, test);
    put(out, ").\n");
    if (midge_json_get(test, "rmse")) {
        put(out, "Root mean squared error: ");
        mdg_text_fixed(out, midge_json_get_double(test, "rmse", 0.0), 4);
        put(out, ", in the target's unit.\n");
    }
    put(out, "The best single agent on the same rows: ");
    put_cell(out, midge_json_get_string(best, "agent", ""));
    put(out, " (");
    put(out, midge_json_get_string(best, "pattern", ""));
    put(out, ", ");
    put(out, midge_json_get_string(best, "family", ""));
    put(out, ") with ");
    put_member(r, out, best, "score");
    put(out, ".\nEnsemble minus best single: ");
    put_member(r, out, diff, "value");
    put(out, " (95 % interval, paired: ");
    put_range(r, out, diff);
    put(out, ").\n");
}

static void put_agents(const mdg_report *r, midge_buf *out) {
    put(out, "\n## Agents\n\nEach by the candidate that did best out of fold; "
             "test scores were measured once, at the end.\n\n"
             "| agent | pattern | family | test | 95 % interval | out of fold "
             "|\n|---|---|---|---|---|---|\n");
    for (const midge_json *a = r->agents->child; a; a = a->next) {
        const char *name = midge_json_get_string(a, "name", "");
        const midge_json *tested = mdg_report_tested(r, name);
        put(out, "| ");
        put_cell(out, name);
        put(out, " | ");
        put_cell(out, midge_json_get_string(a, "pattern", ""));
        put(out, " | ");
        put(out, midge_json_get_string(tested, "family", "-"));
        put(out, " | ");
        put_member(r, out, tested, "score");
        put(out, " | ");
        put_range(r, out, tested);
        put(out, " | ");
        put_member(r, out, tested, "oof_score");
        put(out, " |\n");
    }
}

static void put_candidates(const mdg_report *r, midge_buf *out) {
    put(out, "\n## Candidates\n\nScores are out of fold: every row predicted "
             "by models that were not trained on it.\n\n"
             "| candidate | pattern | family | score | seconds |\n"
             "|---|---|---|---|---|\n");
    for (const midge_json *c = mdg_board_first(r->board); c; c = c->next) {
        put(out, "| ");
        put_cell(out, midge_json_get_string(c, "name", ""));
        put(out, " | ");
        put(out, midge_json_get_string(c, "pattern", ""));
        put(out, " | ");
        put(out, midge_json_get_string(c, "family", ""));
        put(out, " | ");
        put_member(r, out, c, "score");
        put(out, " | ");
        mdg_text_fixed(out, midge_json_get_double(c, "seconds", 0.0), 1);
        put(out, midge_json_get_bool(c, "stopped_early", 0)
                     ? " (fewer epochs, to keep the time limit) |\n"
                     : " |\n");
    }
    const midge_json *failed = midge_json_get(r->board, "failed");
    for (const midge_json *f = failed ? failed->child : NULL; f; f = f->next) {
        put(out, "\n- nothing came of the search of ");
        put_cell(out, midge_json_get_string(f, "agent", ""));
        put(out, " in round ");
        mdg_text_int(out, midge_json_get_int(f, "round", 0));
        put(out, ": ");
        put_cell(out, midge_json_get_string(f, "reason", ""));
        put(out, "\n");
    }
}

static void put_critiques(const mdg_report *r, midge_buf *out) {
    put(out, "\n## Critique\n\n");
    if (r->critiques->count == 0) {
        put(out, "None: no agent had the pattern critical.\n");
    }
    for (const midge_json *c = r->critiques->child; c; c = c->next) {
        put(out, "- ");
        put_cell(out, midge_json_get_string(c, "agent", ""));
        const midge_json *after = midge_json_get(c, "score_after");
        if (!after || after->type == MIDGE_JSON_NULL) {
            put(out, " re-tested nothing: ");
            put_cell(out, midge_json_get_string(c, "reason", ""));
            put(out, "\n");
            continue;
        }
        put(out, " trained ");
        put_cell(out, midge_json_get_string(c, "checked", ""));
        put(out, " again on other folds with another seed: ");
        put_member(r, out, c, "score_before");
        put(out, " became ");
        put_score(r, out, after->number);
        put(out, " (standard error of the drop ");
        put_member(r, out, c, "standard_error");
        put(out, midge_json_get_bool(c, "veto", 0)
                     ? "): vetoed, it was lucky.\n"
                     : "): it stands.\n");
    }
}

static void put_members(const mdg_report *r, midge_buf *out) {
    put(out, "\n## Ensemble\n\n| member | family | weight |\n|---|---|---|\n");
    const midge_json *members = midge_json_get(r->ensemble, "members");
    for (const midge_json *m = members ? members->child : NULL; m;
         m = m->next) {
        put(out, "| ");
        put_cell(out, midge_json_get_string(m, "name", ""));
        put(out, " | ");
        put(out, midge_json_get_string(m, "family", ""));
        put(out, " | ");
        mdg_text_fixed(out, midge_json_get_double(m, "weight", 0.0), 3);
        put(out, " |\n");
    }
    put(out, "\nOut of fold: ");
    put_member(r, out, r->ensemble, "oof_score");
    put(out, " (a little too good: the weights were chosen on these rows).\n");
}

void mdg_report_markdown(const mdg_report *report, midge_buf *out) {
    put_data(report, out);
    put_result(report, out);
    put_agents(report, out);
    put_candidates(report, out);
    put_critiques(report, out);
    put_members(report, out);
}
