/* What stops the inspection of a message: INSPECT_LIMIT(ident, name, prose), the members of the
 * fact inspect.limits. How far each goes is a setting (tbl/settings.h). */

INSPECT_LIMIT(DEPTH, "depth",
              "Parts within parts, or archives within archives, go deeper than `inspect_depth`.")
INSPECT_LIMIT(PARTS, "parts", "The message has more parts than `inspect_parts`.")
INSPECT_LIMIT(FIELDS, "fields", "A header has more fields than `inspect_fields`.")
INSPECT_LIMIT(DECODED, "decoded",
              "Decoding and unpacking makes more octets than `inspect_decoded`.")
INSPECT_LIMIT(MEMBERS, "members", "Archives have more members than `inspect_members`.")
INSPECT_LIMIT(RATIO, "ratio", "An archive unpacks to more times its octets than `inspect_ratio`.")
INSPECT_LIMIT(TIME, "time", "It took longer than `inspect_time`.")
