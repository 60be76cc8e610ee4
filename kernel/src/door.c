/* Blocks of lines of any format; twins of what lo2.loading.lines.starts does with arrays. */
#include "kernel.h"

enum { OPENING = 1, BLANK = 2, SPACE = 4 };
static uint8_t kinds[256];

static void mark(const char *characters, uint8_t kind) {
    for (; *characters; characters++) kinds[(uint8_t)*characters] |= kind;
}

void lo2_prepare_door(void) {
    mark("[(\"'<*#", OPENING);
    mark(" \t", BLANK);
    mark(" \t\r\f\v", SPACE);
}

static bool is(uint8_t character, uint8_t kind) { return kinds[character] & kind; }

static PyObject *array(size_t count) { return PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(count * 8)); }

static int64_t get(const void *items, size_t i) {
    int64_t found;
    memcpy(&found, (const uint8_t *)items + 8 * i, 8);
    return found;
}

static void put(void *items, size_t i, size_t value) {
    int64_t found = (int64_t)value;
    memcpy((uint8_t *)items + 8 * i, &found, 8);
}

/* spans(text, size) -> starts and ends (int64) of the lines between the line feeds of text[0..size). */
PyObject *lo2_spans(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer buffer;
    Py_ssize_t given;
    if (!PyArg_ParseTuple(args, "y*n", &buffer, &given)) return NULL;
    const uint8_t *text = buffer.buf;
    size_t size = given < 0 || given > buffer.len ? (size_t)buffer.len : (size_t)given, feeds = 0;
    for (size_t i = 0; i < size; i++) feeds += text[i] == '\n';
    size_t lines = feeds ? feeds - 1 : 0;
    PyObject *starts = array(lines), *ends = array(lines), *found = NULL;
    if (starts != NULL && ends != NULL) {
        void *firsts = PyByteArray_AsString(starts), *lasts = PyByteArray_AsString(ends);
        const uint8_t *feed = lines ? memchr(text, '\n', size) : NULL;
        for (size_t i = 0; i < lines; i++) {
            size_t start = (size_t)(feed - text) + 1;
            feed = memchr(text + start, '\n', size - start);
            size_t end = (size_t)(feed - text);
            put(firsts, i, start);
            put(lasts, i, end - (end > start && text[end - 1] == '\r'));
        }
        found = PyTuple_Pack(2, starts, ends);
    }
    Py_XDECREF(starts);
    Py_XDECREF(ends);
    PyBuffer_Release(&buffer);
    return found;
}

/* Lines of a text by their numbers. */
typedef struct {
    Py_buffer text, starts, ends, lines;
    size_t count;
} Lines;

static void close_lines(Lines *some) {
    PyBuffer_Release(&some->text);
    PyBuffer_Release(&some->starts);
    PyBuffer_Release(&some->ends);
    PyBuffer_Release(&some->lines);
}

static bool all_inside(const Lines *some) {
    size_t known = (size_t)some->starts.len / 8;
    bool good = some->starts.len == some->ends.len;
    for (size_t i = 0; good && i < some->count; i++) {
        int64_t line = get(some->lines.buf, i);
        if (line < 0 || (size_t)line >= known) return false;
        int64_t start = get(some->starts.buf, (size_t)line), end = get(some->ends.buf, (size_t)line);
        good = start >= 0 && start <= end && end <= some->text.len;
    }
    return good;
}

/* What finds a place: given the text, a line and something to look for, -1 where it is not. */
typedef int64_t (*Finder)(const uint8_t *text, size_t start, size_t end, const void *what);

static PyObject *find_all(Lines *some, Finder find, const void *what) {
    PyObject *lines = NULL, *places = NULL, *found = NULL;
    if (!all_inside(some))
        PyErr_SetString(PyExc_ValueError, "a line lies outside the text");
    else if ((lines = array(some->count)) != NULL && (places = array(some->count)) != NULL) {
        void *numbers = PyByteArray_AsString(lines), *at = PyByteArray_AsString(places);
        size_t kept = 0;
        for (size_t i = 0; i < some->count; i++) {
            size_t line = (size_t)get(some->lines.buf, i);
            size_t start = (size_t)get(some->starts.buf, line), end = (size_t)get(some->ends.buf, line);
            int64_t place = find(some->text.buf, start, end, what);
            if (place < 0) continue;
            put(numbers, kept, line);
            put(at, kept++, (size_t)place);
        }
        Py_ssize_t size = (Py_ssize_t)(8 * kept);
        if (PyByteArray_Resize(lines, size) == 0 && PyByteArray_Resize(places, size) == 0)
            found = PyTuple_Pack(2, lines, places);
    }
    Py_XDECREF(lines);
    Py_XDECREF(places);
    close_lines(some);
    return found;
}

typedef struct {
    int byte;      /* stands in front of the place; 0: none does */
    bool first;    /* and does so at the start of the line */
    size_t word;   /* or the place begins this word */
    bool opened;   /* brackets and quotes may open before it */
    size_t behind; /* or it is so many bytes behind the start */
} Place;

static int64_t find_place(const uint8_t *text, size_t start, size_t end, const void *what) {
    const Place *place = what;
    size_t at = start + place->behind;
    if (place->first && (start >= end || text[start] != '<')) return -1;
    if (place->byte) {
        const uint8_t *found = memchr(text + start, place->byte, end - start);
        if (found == NULL) return -1;
        at = (size_t)(found - text) + 1;
    }
    for (size_t left = place->word; left; left -= at < end && is(text[at - 1], BLANK) && !is(text[at], BLANK))
        if (++at >= end) return -1;
    for (int i = 0; place->opened && i < 5 && at < end && is(text[at], OPENING); i++) at++;
    return at < end ? (int64_t)at : -1;
}

/* places(place, text, starts, ends, lines) -> those of the lines that may hold a stamp at this place, and where. */
PyObject *lo2_places(PyObject *Py_UNUSED(module), PyObject *args) {
    const char *name;
    Lines some;
    if (!PyArg_ParseTuple(args, "sy*y*y*y*", &name, &some.text, &some.starts, &some.ends, &some.lines)) return NULL;
    some.count = (size_t)some.lines.len / 8;
    Place place = {0};
    if (!strcmp(name, "start")) place.opened = true;
    else if (!strcmp(name, "letter")) place.behind = 1;
    else if (!strcmp(name, "priority")) place = (Place){.byte = '>', .first = true};
    else if (!strcmp(name, "bracket")) place.byte = '[';
    else if (!strcmp(name, "key audit(")) place.byte = '(';
    else if (!strncmp(name, "word ", 5) && name[5] >= '1' && name[5] <= '9' && !name[6])
        place = (Place){.word = (size_t)(name[5] - '0'), .opened = true};
    else {
        close_lines(&some);
        return PyErr_Format(PyExc_ValueError, "there is no place %s", name);
    }
    return find_all(&some, find_place, &place);
}

typedef struct {
    const uint8_t *text; /* of the key, in quotes for JSON, with = behind it for pairs */
    size_t size;
    bool json;
} Key;

static int64_t find_key(const uint8_t *text, size_t start, size_t end, const void *what) {
    const Key *key = what;
    for (size_t at = start; end - at >= key->size; at++) {
        const uint8_t *found = memchr(text + at, key->text[0], end - at - key->size + 1);
        if (found == NULL) return -1;
        at = (size_t)(found - text);
        if (memcmp(found, key->text, key->size)) continue;
        size_t behind = at + key->size;
        if (key->json) {
            while (behind < end && is(text[behind], SPACE)) behind++;
            if (behind == end || text[behind++] != ':') continue;
            while (behind < end && is(text[behind], SPACE)) behind++;
        } else if (at > start && !is(text[at - 1], SPACE))
            continue;
        return (int64_t)(behind + (behind < end && text[behind] == '"'));
    }
    return -1;
}

/* keyed(json, key, text, starts, ends, lines) -> those of the lines that hold a key, and where its value begins. */
PyObject *lo2_keyed(PyObject *Py_UNUSED(module), PyObject *args) {
    int json;
    Py_buffer written;
    Lines some;
    if (!PyArg_ParseTuple(args, "py*y*y*y*y*", &json, &written, &some.text, &some.starts, &some.ends, &some.lines))
        return NULL;
    some.count = (size_t)some.lines.len / 8;
    Key key = {.text = written.buf, .size = (size_t)written.len, .json = json};
    PyObject *found = NULL;
    if (key.size)
        found = find_all(&some, find_key, &key);
    else {
        close_lines(&some);
        PyErr_SetString(PyExc_ValueError, "a key is expected");
    }
    PyBuffer_Release(&written);
    return found;
}
