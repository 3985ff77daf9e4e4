#include "cjson.h"

#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>

namespace {

using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

tape_ref tape(const void *document, size_t position) {
    return tape_ref(static_cast<const simdjson::dom::document *>(document), position);
}

cjson_text text(tape_ref string) {
    const std::string_view view = string.get_string_view();
    return {view.data(), view.size()};
}

}  // namespace

struct cjson_parser {
    simdjson::dom::parser parser;
    std::unique_ptr<uint8_t[]> padded;
    size_t capacity = 0;
    size_t max_depth;
};

static simdjson::error_code parse(cjson_parser *parser, const uint8_t *bytes, size_t length) {
    if (!parser->padded || parser->capacity < length) {
        const size_t capacity = length < 4096 ? 4096 : length + length / 2;
        parser->padded.reset(new (std::nothrow) uint8_t[capacity + simdjson::SIMDJSON_PADDING]);
        parser->capacity = parser->padded ? capacity : 0;
        if (!parser->padded) return simdjson::MEMALLOC;
    }
    if (length > 0) std::memcpy(parser->padded.get(), bytes, length);
    std::memset(parser->padded.get() + length, ' ', simdjson::SIMDJSON_PADDING);
    // A new parser, or one whose buffers were released, has simdjson's own limit of 1,024.
    if (parser->parser.max_depth() != parser->max_depth) {
        const simdjson::error_code error = parser->parser.allocate(4096, parser->max_depth);
        if (error) return error;
    }
    return parser->parser.parse(parser->padded.get(), length, false).error();
}

cjson_parser *cjson_parser_create(size_t max_depth) {
    std::unique_ptr<cjson_parser> parser(new (std::nothrow) cjson_parser);
    if (!parser) return nullptr;
    parser->max_depth = max_depth;
    return parser.release();
}

void cjson_parser_destroy(cjson_parser *parser) { delete parser; }

cjson_outcome cjson_parse(
    cjson_parser *parser, const uint8_t *bytes, size_t length, cjson_value *root,
    const char **error) {
    const simdjson::error_code code = parse(parser, bytes, length);
    if (code) *error = simdjson::error_message(code);
    switch (code) {
        case simdjson::SUCCESS:
            // Position 0 is the root's frame; the value follows it.
            *root = {&parser->parser.doc, 1};
            return cjson_parsed;
        case simdjson::DEPTH_ERROR: return cjson_too_deep;
        case simdjson::MEMALLOC: return cjson_no_memory;
        default: return cjson_malformed;
    }
}

void cjson_parser_release_buffers(cjson_parser *parser) {
    parser->padded.reset();
    parser->capacity = 0;
    parser->parser = simdjson::dom::parser();
}

cjson_kind cjson_kind_of(cjson_value value) {
    switch (tape(value.document, value.position).tape_ref_type()) {
        case tape_type::START_OBJECT: return cjson_kind_object;
        case tape_type::START_ARRAY: return cjson_kind_array;
        case tape_type::STRING: return cjson_kind_string;
        case tape_type::TRUE_VALUE: return cjson_kind_true;
        case tape_type::FALSE_VALUE: return cjson_kind_false;
        case tape_type::NULL_VALUE: return cjson_kind_null;
        default: return cjson_kind_number;
    }
}

cjson_text cjson_string(cjson_value value) { return text(tape(value.document, value.position)); }

cjson_cursor cjson_begin(cjson_value container) {
    const size_t after = tape(container.document, container.position).after_element();
    return {container.document, container.position + 1, after - 1};
}

bool cjson_next_member(cjson_cursor *cursor, cjson_text *name, cjson_value *value) {
    if (cursor->position >= cursor->end) return false;
    *name = text(tape(cursor->document, cursor->position));
    *value = {cursor->document, cursor->position + 1};
    cursor->position = tape(cursor->document, cursor->position + 1).after_element();
    return true;
}

bool cjson_next_element(cjson_cursor *cursor, cjson_value *value) {
    if (cursor->position >= cursor->end) return false;
    *value = {cursor->document, cursor->position};
    cursor->position = tape(cursor->document, cursor->position).after_element();
    return true;
}
