/* Bags of rows by algebra on the dictionary of messages; twins of what lo2.features.bags does with arrays. */
#include "kernel.h"

/* Keys of row after row, distinct within each and in order of first appearance, and what their amounts add up to. */
typedef struct {
    uint32_t *keys, *place; /* place[key]: where the open row has it, plus one; 0 where it has not */
    int64_t *sums;
    size_t count, room, first, width;
} Bag;

static bool open_bag(Bag *bag, size_t width) {
    *bag = (Bag){.width = width, .place = PyMem_Calloc(width ? width : 1, sizeof(uint32_t))};
    return bag->place != NULL;
}

static void close_bag(Bag *bag) {
    PyMem_Free(bag->place);
    PyMem_Free(bag->keys);
    PyMem_Free(bag->sums);
}

static bool refused(const char *why) {
    PyErr_SetString(PyExc_ValueError, why);
    return false;
}

static bool add(Bag *bag, uint64_t key, int64_t amount) {
    if (key >= bag->width) return refused("a key is beyond the width");
    if (bag->place[key]) {
        int64_t *sum = &bag->sums[bag->first + bag->place[key] - 1];
        *sum = (int64_t)((uint64_t)*sum + (uint64_t)amount);
        return true;
    }
    if (bag->count == bag->room) {
        size_t room = 2 * bag->room + 1024;
        uint32_t *keys = PyMem_Realloc(bag->keys, room * sizeof *keys);
        if (keys != NULL) bag->keys = keys;
        int64_t *sums = PyMem_Realloc(bag->sums, room * sizeof *sums);
        if (sums != NULL) bag->sums = sums;
        if (keys == NULL || sums == NULL) return PyErr_NoMemory(), false;
        bag->room = room;
    }
    bag->keys[bag->count] = (uint32_t)key;
    bag->sums[bag->count++] = amount;
    bag->place[key] = (uint32_t)(bag->count - bag->first);
    return true;
}

static void end_row(Bag *bag) {
    for (; bag->first < bag->count; bag->first++) bag->place[bag->keys[bag->first]] = 0;
}

static PyObject *array(const void *items, size_t count, size_t each) {
    return PyByteArray_FromStringAndSize(count ? items : "", (Py_ssize_t)(count * each));
}

/* (keys as uint32, sums as int64, ends of the rows as int64) */
static PyObject *told(const Bag *bag, const int64_t *ends, size_t rows) {
    PyObject *keys = array(bag->keys, bag->count, 4), *sums = array(bag->sums, bag->count, 8);
    PyObject *cuts = array(ends, rows, 8), *found = NULL;
    if (keys != NULL && sums != NULL && cuts != NULL) found = PyTuple_Pack(3, keys, sums, cuts);
    Py_XDECREF(keys);
    Py_XDECREF(sums);
    Py_XDECREF(cuts);
    return found;
}

static bool count_row(Bag *bag, PyObject *row) {
    Py_buffer view;
    if (PyObject_GetBuffer(row, &view, PyBUF_SIMPLE) < 0) return false;
    bool good = true;
    for (size_t i = 0; good && i < (size_t)view.len / 4; i++) {
        uint32_t key;
        memcpy(&key, (const uint8_t *)view.buf + 4 * i, 4);
        good = add(bag, key, 1);
    }
    PyBuffer_Release(&view);
    end_row(bag);
    return good;
}

/* count(rows, width): how often each row, an array of uint32, holds each key. */
PyObject *lo2_count(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *rows, *found = NULL;
    Py_ssize_t width;
    if (!PyArg_ParseTuple(args, "On", &rows, &width)) return NULL;
    Py_ssize_t size = PyList_Size(rows); /* an error where it is no list */
    if (size < 0) return NULL;
    if (width < 0) return refused("the width is below 0"), NULL;
    Bag bag;
    int64_t *ends = PyMem_Calloc(size ? (size_t)size : 1, sizeof *ends);
    if (!open_bag(&bag, (size_t)width) || ends == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *row = PyList_GetItem(rows, i);
        if (row == NULL || !count_row(&bag, row)) goto done;
        ends[i] = (int64_t)bag.count;
    }
    found = told(&bag, ends, (size_t)size);
done:
    PyMem_Free(ends);
    close_bag(&bag);
    return found;
}

enum { STARTS, ITEMS, COUNTS, TOKENS, IDS, TIMES, VIEWS };

static int64_t get(const Py_buffer *view, int64_t i) {
    int64_t found;
    memcpy(&found, (const uint8_t *)view->buf + 8 * i, 8);
    return found;
}

static int64_t length(const Py_buffer *view) { return view->len / 8; }

/* Whether the numbers are edges of rows of so many items: from 0 or more upwards. */
static bool are_edges(const Py_buffer *view, int64_t items) {
    int64_t before = 0;
    for (int64_t i = 0; i < length(view); i++) {
        int64_t edge = get(view, i);
        if (edge < before || edge > items) return refused("edges of rows fall, or lie outside");
        before = edge;
    }
    return true;
}

static bool expand_row(Bag *bag, const Py_buffer *views, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
        int64_t item = get(&views[ITEMS], i), weight = get(&views[COUNTS], i);
        if (item < 0 || item >= length(&views[TOKENS]) - 1) return refused("an item is not in the table");
        int64_t end = get(&views[TOKENS], item + 1);
        for (int64_t j = get(&views[TOKENS], item); j < end; j++) {
            uint64_t amount = (uint64_t)weight * (uint64_t)get(&views[TIMES], j);
            if (!add(bag, (uint64_t)get(&views[IDS], j), (int64_t)amount)) return false;
        }
    }
    end_row(bag);
    return true;
}

/* expand(starts, items, counts, token_starts, ids, times, width): from rows of items to rows of their tokens. */
PyObject *lo2_expand(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer v[VIEWS];
    Py_ssize_t width;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &width)) return NULL;
    PyObject *found = NULL;
    int64_t *ends = NULL, rows = length(&v[STARTS]) - 1;
    Bag bag = {0};
    if (width < 0 || length(&v[COUNTS]) < length(&v[ITEMS]) || length(&v[TIMES]) < length(&v[IDS])) {
        refused("arrays that belong together differ in length");
        goto done;
    }
    if (!are_edges(&v[STARTS], length(&v[ITEMS])) || !are_edges(&v[TOKENS], length(&v[IDS]))) goto done;
    ends = PyMem_Calloc(rows > 0 ? (size_t)rows : 1, sizeof *ends);
    if (ends == NULL || !open_bag(&bag, (size_t)width)) {
        PyErr_NoMemory();
        goto done;
    }
    for (int64_t i = 0; i < rows; i++) {
        if (!expand_row(&bag, v, get(&v[STARTS], i), get(&v[STARTS], i + 1))) goto done;
        ends[i] = (int64_t)bag.count;
    }
    found = told(&bag, ends, rows > 0 ? (size_t)rows : 0);
done:
    PyMem_Free(ends);
    close_bag(&bag);
    for (int i = 0; i < VIEWS; i++) PyBuffer_Release(&v[i]);
    return found;
}
