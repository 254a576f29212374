/* The contents of tables and lists. */
#include <errno.h>

#include "policy/compiler.h"

#define WHY_MOST 256

/* Of one table. */
#define ERRORS_MOST 20

static void keep_content(struct compiler *c, struct table_syntax *t, const char *file,
                         struct table_content *content)
{
    struct policy_table *table = arena_alloc(c->arena, sizeof(*table));

    *table = (struct policy_table){
        .name = arena_copy(c->arena, t->name.text).p,
        .file = file,
        .place = t->name.place,
        .content = content,
        .has_networks = table_content_has_networks(content),
        .has_texts = table_content_has_texts(content),
    };
    buf_append(&c->whole->tables, &table, sizeof(table));
    t->table = table;
}

/* Each wrong entry is told, and taken out to find the next. */
static void compile_entries(struct compiler *c, struct table_syntax *t)
{
    struct table_entry *entries =
        arena_alloc(c->arena, t->entry_count * sizeof(struct table_entry) + 1);
    size_t count = t->entry_count;
    struct table_content *content;

    if (count > 0) {
        memcpy(entries, t->entries, count * sizeof(*entries));
    }
    for (unsigned tries = 0; tries < ERRORS_MOST; tries++) {
        const struct table_entry *bad = NULL;
        char why[WHY_MOST] = "";
        int r = table_content_new(entries, count, &content, &bad, why, sizeof(why));
        if (r == 0 && tries > 0) {
            (void)table_content_free(content);
        } else if (r == 0) {
            keep_content(c, t, NULL, content);
        }
        if (r == 0) {
            return;
        }
        size_t at = (size_t)(bad - entries);
        compile_error(c, bad->place, NULL, "%s", why);
        memmove(entries + at, entries + at + 1, (--count - at) * sizeof(*entries));
    }
}

static void compile_file(struct compiler *c, struct table_syntax *t)
{
    const struct source *source;
    struct table_content *content;
    struct place at = {.line = 1, .column = 1};
    char why[WHY_MOST] = "";
    int r = conf_read_source(c->conf, t->path.place, t->path.text, &source);

    if (r < 0) {
        compile_error(c, t->path.place, NULL, "expected a readable file, found: %s",
                      conf_source_error(r));
        return;
    }
    if (table_content_parse(source->text, &content, &at, why, sizeof(why)) < 0) {
        at.source = source;
        compile_error(c, at, NULL, "%s", why);
        return;
    }
    keep_content(c, t, source->name, content);
}

void table_compile(struct compiler *c, struct table_syntax *t)
{
    if (t->broken) {
        return;
    }
    if (word_given(&t->path)) {
        compile_file(c, t);
    } else {
        compile_entries(c, t);
    }
}
