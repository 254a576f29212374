/* See yaml_tree.h: libyaml's documents made into trees. */
#include "yaml_tree.h"

#include <yaml.h>

#define DEPTH_MOST 64
#define NODES_MOST 1000000 /* aliases can make a small file a huge tree */

struct maker {
    yaml_document_t *document;
    struct arena *arena;
    size_t nodes;
    const char *problem;
    unsigned line;
};

static struct tree *give_up(struct maker *m, const char *problem, const yaml_node_t *at)
{
    m->problem = problem;
    m->line = (unsigned)at->start_mark.line + 1;
    return NULL;
}

static struct slice scalar(struct maker *m, const yaml_node_t *node)
{
    return arena_copy(
        m->arena, (struct slice){(const char *)node->data.scalar.value, node->data.scalar.length});
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MOST
static struct tree *make(struct maker *m, int id, unsigned depth)
{
    const yaml_node_t *node = yaml_document_get_node(m->document, id);
    if (depth > DEPTH_MOST || ++m->nodes > NODES_MOST) {
        return give_up(m, "too deep or too large", node);
    }
    struct tree *t = arena_zalloc(m->arena, sizeof *t);
    t->line = (unsigned)node->start_mark.line + 1;
    const struct tree **end = &t->first;
    switch (node->type) {
    case YAML_SEQUENCE_NODE:
        t->kind = TREE_LIST;
        for (const yaml_node_item_t *i = node->data.sequence.items.start;
             i < node->data.sequence.items.top; i++) {
            struct tree *item = make(m, *i, depth + 1);
            if (item == NULL) {
                return NULL;
            }
            *end = item;
            end = &item->next;
        }
        return t;
    case YAML_MAPPING_NODE:
        t->kind = TREE_MAP;
        for (const yaml_node_pair_t *i = node->data.mapping.pairs.start;
             i < node->data.mapping.pairs.top; i++) {
            const yaml_node_t *key = yaml_document_get_node(m->document, i->key);
            struct tree *value = make(m, i->value, depth + 1);
            if (value == NULL) {
                return NULL;
            }
            if (key->type != YAML_SCALAR_NODE) {
                return give_up(m, "a key that is no text", key);
            }
            value->key = scalar(m, key);
            *end = value;
            end = &value->next;
        }
        return t;
    default: t->text = scalar(m, node); return t;
    }
}

int tree_parse(struct slice octets, struct arena *arena, const struct tree **ret,
               struct slice *ret_problem)
{
    yaml_parser_t parser;
    yaml_document_t document;
    struct maker m = {.document = &document, .arena = arena};
    const struct tree *first = NULL;
    const struct tree **end = &first;
    bool more = true;

    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)octets.p, octets.n);
    while (more && m.problem == NULL) {
        if (!yaml_parser_load(&parser, &document)) {
            m.problem = parser.problem != NULL ? parser.problem : "no YAML";
            m.line = (unsigned)parser.problem_mark.line + 1;
            break;
        }
        more = yaml_document_get_root_node(&document) != NULL;
        struct tree *t = more ? make(&m, 1, 0) : NULL;
        if (t != NULL) {
            *end = t;
            end = &t->next;
        }
        yaml_document_delete(&document);
    }
    if (m.problem != NULL) {
        *ret_problem = arena_printf(arena, "line %u: %s", m.line, m.problem);
    } else {
        *ret = first;
    }
    yaml_parser_delete(&parser);
    return m.problem != NULL ? -1 : 0;
}

const struct tree *tree_find(const struct tree *t, const char *key)
{
    const struct tree *member = t != NULL && t->kind == TREE_MAP ? t->first : NULL;
    while (member != NULL && !slice_eq(member->key, slice_of(key))) {
        member = member->next;
    }
    return member;
}

struct slice tree_text(const struct tree *t, const char *key, struct slice absent)
{
    const struct tree *member = tree_find(t, key);
    return member != NULL && member->kind == TREE_TEXT ? member->text : absent;
}
