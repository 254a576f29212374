/* The names of types, of reasons for not knowing, and of sources. */
#include "fact/value.h"

const char *value_type_name(enum value_type type)
{
    static const char *const names[TYPE_COUNT] = {
        [TYPE_BOOL] = "bool",       [TYPE_NUMBER] = "number",     [TYPE_TEXT] = "text",
        [TYPE_ADDRESS] = "address", [TYPE_DURATION] = "duration", [TYPE_SIZE] = "size",
        [TYPE_SET] = "set",         [TYPE_DECIMAL] = "decimal",   [TYPE_RESULT] = "result",
    };

    return names[type];
}

const char *unknown_reason_name(enum unknown_reason reason)
{
    static const char *const names[UNKNOWN_REASON_COUNT] = {
        [UNKNOWN_TIMEOUT] = "timeout",
        [UNKNOWN_TEMPORARY] = "temporary failure",
        [UNKNOWN_NOT_AVAILABLE] = "not available",
        [UNKNOWN_OVER_BUDGET] = "over budget",
    };

    return names[reason];
}

const char *value_source_name(enum value_source source)
{
    static const char *const names[SOURCE_COUNT] = {
        [SOURCE_CONVERSATION] = "conversation",
        [SOURCE_MEMORY] = "memory",
        [SOURCE_MESSAGE] = "message",
        [SOURCE_NEXT_HOP] = "next hop",
        [SOURCE_DNS] = "dns",
        [SOURCE_SERVER] = "server",
        [SOURCE_LIST] = "list",
        [SOURCE_CACHE] = "cache",
        [SOURCE_SCANNER] = "scanner",
        [SOURCE_ASSUMED] = "assumed",
    };

    return names[source];
}
