/* Bodies that differ in digits alone, many in one text; twins of what lo2.loading.lines.alike does with arrays. */
#include "kernel.h"

static int64_t get(const Py_buffer *items, size_t i) {
    int64_t found;
    memcpy(&found, (const uint8_t *)items->buf + 8 * i, 8);
    return found;
}

static bool after_http(const uint8_t *text, size_t slash) {
    static const char name[] = "http";
    for (size_t i = 0; i < 4; i++)
        if (slash < 4 || (text[slash - 4 + i] | 32) != name[i]) return false;
    return true;
}

/* Put all occurrences of a name back; the character of it at a place is a seldom one. */
static void keep_name(uint8_t *text, const uint8_t *raw, size_t size, const char *name, size_t place) {
    size_t length = strlen(name);
    if (size < length) return;
    const uint8_t *last = raw + size - length + place + 1; /* behind where the seldom one may stand */
    for (const uint8_t *at = raw + place; (at = memchr(at, name[place], (size_t)(last - at))) != NULL; at++)
        if (!memcmp(at - place, name, length)) memcpy(text + (at - place - raw), name, length);
}

static void blank(uint8_t *text, const uint8_t *raw, size_t size) {
    for (size_t i = 0; i < size; i++) text[i] = (uint8_t)(raw[i] - '0') < 10 ? '1' : raw[i];
    const uint8_t *slash = raw;
    while ((slash = memchr(slash, '/', size - (size_t)(slash - raw))) != NULL) {
        size_t place = (size_t)(slash++ - raw);
        if (!after_http(raw, place)) continue;
        for (size_t i = place + 1; i < size && i <= place + 3; i += 2) text[i] = raw[i];
    }
    keep_name(text, raw, size, "UTF-8", 0);
    keep_name(text, raw, size, "x86_64", 0);
    keep_name(text, raw, size, "IPv4", 1);
    keep_name(text, raw, size, "IPv6", 1);
    keep_name(text, raw, size, "ipv4", 2);
    keep_name(text, raw, size, "ipv6", 2);
}

/* ones(text, raw): raw with ones for its digits, but for those of a protocol's version and of names, into text. */
PyObject *lo2_ones(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer text, raw;
    if (!PyArg_ParseTuple(args, "w*y*", &text, &raw)) return NULL;
    bool good = text.len == raw.len;
    if (good)
        blank(text.buf, raw.buf, (size_t)text.len);
    else
        PyErr_SetString(PyExc_ValueError, "two texts of one length are expected");
    PyBuffer_Release(&text);
    PyBuffer_Release(&raw);
    if (!good) return NULL;
    Py_RETURN_NONE;
}

typedef struct {
    Py_buffer text, raw, begins, ends, firsts, sizes, places;
} Back;

static bool put_back(const Back *all) {
    uint8_t *text = all->text.buf;
    const uint8_t *raw = all->raw.buf;
    size_t count = (size_t)all->begins.len / 8;
    int64_t known = (int64_t)(all->places.len / 8);
    if (all->text.len != all->raw.len || all->ends.len != all->begins.len || all->firsts.len != all->begins.len ||
        all->sizes.len != all->begins.len)
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t begin = get(&all->begins, i), end = get(&all->ends, i);
        int64_t first = get(&all->firsts, i), size = get(&all->sizes, i);
        if (begin < 0 || end < begin || end > all->text.len) return false;
        if (begin == end) continue;
        if (size < 0) memcpy(text + begin, raw + begin, (size_t)(end - begin));
        if (size > 0 && (first < 0 || first > known || size > known - first)) return false;
        text[begin] = raw[begin];
        for (int64_t k = 0; k < size; k++) {
            int64_t place = get(&all->places, (size_t)(first + k));
            if (place < 0 || place >= end - begin) return false;
            text[begin + place] = raw[begin + place];
        }
    }
    return true;
}

/* put_back(text, raw, begins, ends, firsts, sizes, places): give each body its first byte back and those at its
   places[first:first + size], or all where the size is below zero. */
PyObject *lo2_put_back(PyObject *Py_UNUSED(module), PyObject *args) {
    Back all;
    if (!PyArg_ParseTuple(args, "w*y*y*y*y*y*y*", &all.text, &all.raw, &all.begins, &all.ends, &all.firsts, &all.sizes,
                          &all.places))
        return NULL;
    bool good = put_back(&all);
    Py_buffer *held[] = {&all.text, &all.raw, &all.begins, &all.ends, &all.firsts, &all.sizes, &all.places};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) PyBuffer_Release(held[i]);
    if (!good) return PyErr_Format(PyExc_ValueError, "a place lies outside of its body, or arrays differ in length");
    Py_RETURN_NONE;
}
