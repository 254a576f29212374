/* See policy/reload.h; rt/file_watch.h does the work. */
#include "policy/reload.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "policy/table.h"

static void *parse(struct slice text, char *ret_why, size_t why_size)
{
    struct table_content *content = NULL;
    struct place at = {0};
    char cause[220];

    if (table_content_parse(text, &content, &at, cause, sizeof(cause)) < 0) {
        (void)snprintf(ret_why, why_size, ":%u:%u: %s", at.line, at.column, cause);
        return NULL;
    }
    return content;
}

/* Of a table that is asked by ~. */
static void *parse_patterns(struct slice text, char *ret_why, size_t why_size)
{
    struct table_content *content = parse(text, ret_why, why_size);
    const char *what;

    if (content != NULL && !table_content_is_patterns(content, &what)) {
        (void)snprintf(ret_why, why_size, ": expected patterns alone, found %s", what);
        return table_content_free(content);
    }
    return content;
}

static bool take(void *arg, void *content)
{
    struct policy_table *table = arg;
    const bool same = table_content_same(content, table->content);

    (void)table_content_free(same ? content : table->content);
    if (!same) {
        table->content = content;
        table->generation++;
        table->has_networks = table_content_has_networks(table->content);
        table->has_texts = table_content_has_texts(table->content);
    }
    return !same;
}

static size_t count(void *arg)
{
    const struct policy_table *table = arg;

    return table_content_count(table->content);
}

static void drop(void *content)
{
    (void)table_content_free(content);
}

static const struct watched_kind table_kind = {
    .parse = parse,
    .take = take,
    .count = count,
    .drop = drop,
};

static const struct watched_kind patterns_kind = {
    .parse = parse_patterns,
    .take = take,
    .count = count,
    .drop = drop,
};

/* The tables with files; the caller gives them to free_files. */
static struct watched_file *list_files(const struct policy *p, size_t *ret_count)
{
    struct watched_file *files = xcalloc(p->table_count + 1, sizeof(*files));
    size_t n = 0;

    for (size_t i = 0; i < p->table_count; i++) {
        struct policy_table *table = p->tables[i];
        if (table->file != NULL) {
            struct buf what = {0};
            buf_printf(&what, "table %s", table->name);
            buf_append(&what, "", 1);
            files[n++] = (struct watched_file){
                .what = what.p,
                .file = table->file,
                .most = TABLE_FILE_MOST,
                .kind = table->patterns_only ? &patterns_kind : &table_kind,
                .arg = table,
            };
        }
    }
    *ret_count = n;
    return files;
}

static void free_files(struct watched_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free((char *)(uintptr_t)files[i].what);
    }
    free(files);
}

struct file_watch *table_watch_new(struct rt *rt, const struct policy *policy,
                                   file_watch_tell *tell, void *arg)
{
    size_t n;
    struct watched_file *files = list_files(policy, &n);
    struct file_watch *w = file_watch_new(rt, files, n, tell, arg);

    free_files(files, n);
    return w;
}

void tables_refresh(const struct policy *policy)
{
    size_t n;
    struct watched_file *files = list_files(policy, &n);

    file_watch_refresh(files, n);
    free_files(files, n);
}
