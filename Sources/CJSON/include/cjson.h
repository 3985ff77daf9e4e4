// simdjson for IntakeParsing: Swift can't import its C++ templates. A parsed document is walked by
// position; what the values mean is Swift's business.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One parser and the buffers that it reuses.
typedef struct cjson_parser cjson_parser;

// A place in a parsed document. Good until the parser parses again or goes.
typedef struct {
    const void *document;
    size_t position;
} cjson_value;

// What is left of an object or array.
typedef struct {
    const void *document;
    size_t position;
    size_t end;
} cjson_cursor;

// UTF-8 without escapes; good as long as its value.
typedef struct {
    const char *bytes;
    size_t length;
} cjson_text;

typedef enum {
    cjson_kind_object,
    cjson_kind_array,
    cjson_kind_string,
    cjson_kind_number,
    cjson_kind_true,
    cjson_kind_false,
    cjson_kind_null,
} cjson_kind;

typedef enum {
    cjson_parsed,
    cjson_malformed,
    cjson_too_deep,
    cjson_no_memory,
} cjson_outcome;

// NULL when there is no memory. Documents nested deeper than max_depth are errors.
cjson_parser *cjson_parser_create(size_t max_depth);
void cjson_parser_destroy(cjson_parser *parser);

// Parses and validates the whole text, UTF-8 included. The bytes are copied, since simdjson reads
// past the end. *error is simdjson's words and lives for ever.
cjson_outcome cjson_parse(
    cjson_parser *parser, const uint8_t *bytes, size_t length, cjson_value *root,
    const char **error);

// Gives the buffers back: they are about fifteen times as large as the largest text so far.
void cjson_parser_release_buffers(cjson_parser *parser);

cjson_kind cjson_kind_of(cjson_value value);

// Of a string.
cjson_text cjson_string(cjson_value value);

// Of an object or array: before its first member or element.
cjson_cursor cjson_begin(cjson_value container);

// False at the end.
bool cjson_next_member(cjson_cursor *cursor, cjson_text *name, cjson_value *value);
bool cjson_next_element(cjson_cursor *cursor, cjson_value *value);

#ifdef __cplusplus
}
#endif
