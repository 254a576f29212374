/* How an element of HTML is shown, as far as its own attributes say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* A colour as 0xRRGGBB; or none is said, or it cannot be told. */
#define COLOUR_NONE    UINT32_MAX
#define COLOUR_UNKNOWN (UINT32_MAX - 1)

struct html_style {
    bool hidden; /* not shown */
    bool tiny;   /* too small to be read */
    bool big;
    bool tiny_box; /* at most one pixel wide and high */
    uint32_t colour;
    uint32_t background;
};

/* The declarations of a style attribute, entities decoded; what is not said stays as it is. */
void html_style_read(struct slice style, struct html_style *ret);

/* "#abc", "#aabbcc", "rgb(1,2,3)", or the name of a common colour. */
uint32_t html_colour(struct slice text);

/* Can text of one colour not be read on the other? */
bool html_colours_alike(uint32_t a, uint32_t b);
