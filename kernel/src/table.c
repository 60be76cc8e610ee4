/* Distinct bodies, numbered in order of first appearance: a hash table whose every answer is compared byte by byte. */
#include "kernel.h"

typedef struct {
    uint64_t hash;
    size_t begin, size;
} Entry;

typedef struct {
    PyObject_HEAD
    uint64_t seed, secret; /* drawn by the process, so that nobody can write a log whose bodies collide */
    uint8_t *bytes;        /* bodies one after the other */
    size_t used, room;
    Entry *entries;
    uint32_t count, most;
    uint32_t *slots; /* number of an entry plus one; 0 is free */
    size_t mask;
    uint8_t *scratch;
    size_t scratch_room;
} Table;

static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const uint8_t *text) {
    uint64_t found;
    memcpy(&found, text, 8);
    return found;
}

static uint64_t hash_of(const Table *table, const uint8_t *text, size_t size) {
    uint64_t hash = table->seed ^ size;
    size_t i = 0;
    for (; i + 16 <= size; i += 16) hash = mix(word(text + i) ^ table->secret, word(text + i + 8) ^ hash);
    if (i + 8 <= size) {
        hash = mix(word(text + i) ^ table->secret, hash ^ 0x9e3779b97f4a7c15u);
        i += 8;
    }
    uint64_t rest = 0;
    if (i < size) memcpy(&rest, text + i, size - i);
    return mix(rest ^ table->secret, hash ^ 0xd6e8feb86659fd93u);
}

static void *grown(void *memory, size_t *room, size_t wanted, size_t each) {
    size_t size = *room ? *room : 64;
    while (size < wanted) size += size / 2;
    if (size > PY_SSIZE_T_MAX / each) return NULL;
    void *found = PyMem_Realloc(memory, size * each);
    if (found != NULL) *room = size;
    return found;
}

static bool widen(Table *table) {
    size_t size = table->mask ? 2 * (table->mask + 1) : 1024;
    uint32_t *slots = PyMem_Calloc(size, sizeof *slots);
    if (slots == NULL) return false;
    for (uint32_t i = 0; i < table->count; i++) {
        size_t slot = table->entries[i].hash & (size - 1);
        while (slots[slot]) slot = (slot + 1) & (size - 1);
        slots[slot] = i + 1;
    }
    PyMem_Free(table->slots);
    table->slots = slots;
    table->mask = size - 1;
    return true;
}

static bool keep(Table *table, uint64_t hash, const uint8_t *text, size_t size) {
    if (table->count == table->most) {
        if (table->most > UINT32_MAX / 2) return false;
        size_t room = table->most;
        Entry *entries = grown(table->entries, &room, (size_t)table->count + 1, sizeof *entries);
        if (entries == NULL) return false;
        table->entries = entries;
        table->most = (uint32_t)room;
    }
    if (table->room - table->used < size) {
        uint8_t *bytes = grown(table->bytes, &table->room, table->used + size, 1);
        if (bytes == NULL) return false;
        table->bytes = bytes;
    }
    if (size) memcpy(table->bytes + table->used, text, size);
    table->entries[table->count++] = (Entry){hash, table->used, size};
    table->used += size;
    return true;
}

/* Number of a body, a new one where it was not met; -1 without memory. */
static int64_t number_of(Table *table, const uint8_t *text, size_t size) {
    if (2 * (size_t)table->count >= table->mask && !widen(table)) return -1;
    uint64_t hash = hash_of(table, text, size);
    size_t slot = hash & table->mask;
    for (; table->slots[slot]; slot = (slot + 1) & table->mask) {
        const Entry *entry = &table->entries[table->slots[slot] - 1];
        if (entry->hash != hash || entry->size != size) continue;
        if (!size || memcmp(table->bytes + entry->begin, text, size) == 0)
            return table->slots[slot] - 1;
    }
    if (!keep(table, hash, text, size)) return -1;
    table->slots[slot] = table->count;
    return table->count - 1;
}

static int64_t number_line(Table *table, const uint8_t *text, size_t size, const Line *line, bool shapes) {
    const uint8_t *body = text + line->begin;
    size_t length = line->end - line->begin;
    bool replaced = shapes && lo2_stand_in(text, size, line->begin, NULL);
    if (line->header && !replaced) return number_of(table, body, length);
    if (table->scratch_room < size + 1) {
        uint8_t *scratch = grown(table->scratch, &table->scratch_room, size + 1, 1);
        if (scratch == NULL) return -1;
        table->scratch = scratch;
    }
    uint8_t *copy = table->scratch;
    copy[0] = '\n'; /* in front of a continuation line, so that it is no header's body */
    if (size > line->begin) memcpy(copy + 1, body, size - line->begin);
    if (replaced) lo2_stand_in(text, size, line->begin, copy + 1);
    return line->header ? number_of(table, copy + 1, length) : number_of(table, copy, length + 1);
}

static size_t lines_in(const uint8_t *text, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) count += text[i] == '\n';
    return count;
}

static PyObject *array(size_t count, size_t each) {
    return PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(count * each));
}

/* scan(block, shapes) -> numbers of the bodies (uint32), flags of events (bool), their times (int64). */
static PyObject *scan(Table *table, PyObject *args) {
    Py_buffer block;
    int shapes;
    if (!PyArg_ParseTuple(args, "y*p", &block, &shapes)) return NULL;
    const uint8_t *text = block.buf;
    size_t size = (size_t)block.len, lines = lines_in(text, size), events = 0;
    PyObject *codes = array(lines, 4), *flags = array(lines, 1), *times = array(lines, 8), *found = NULL;
    if (codes == NULL || flags == NULL || times == NULL) goto done;
    uint8_t *code = (uint8_t *)PyByteArray_AsString(codes), *flag = (uint8_t *)PyByteArray_AsString(flags);
    uint8_t *time = (uint8_t *)PyByteArray_AsString(times);
    for (size_t i = 0, begin = 0; i < lines; i++) {
        size_t length = (size_t)((const uint8_t *)memchr(text + begin, '\n', size - begin) - (text + begin));
        Line line = lo2_read_line(text + begin, length);
        int64_t number = number_line(table, text + begin, length, &line, shapes);
        if (number < 0) {
            PyErr_NoMemory();
            goto done;
        }
        uint32_t short_number = (uint32_t)number;
        memcpy(code + 4 * i, &short_number, 4);
        flag[i] = line.header;
        if (line.header) memcpy(time + 8 * events++, &line.time, 8);
        begin += length + 1;
    }
    if (PyByteArray_Resize(times, (Py_ssize_t)(8 * events)) == 0) found = PyTuple_Pack(3, codes, flags, times);
done:
    Py_XDECREF(codes);
    Py_XDECREF(flags);
    Py_XDECREF(times);
    PyBuffer_Release(&block);
    return found;
}

/* number(bodies) -> their numbers (uint32). */
static PyObject *number(Table *table, PyObject *several) {
    PyObject *iterator = PyObject_GetIter(several), *codes = NULL, *body;
    size_t count = 0, room = 0;
    if (iterator == NULL) return NULL;
    for (codes = array(0, 4); codes != NULL && (body = PyIter_Next(iterator)) != NULL; count++) {
        char *text;
        Py_ssize_t size;
        if (count == room && PyByteArray_Resize(codes, (Py_ssize_t)(4 * (room = 2 * room + 256))) < 0)
            Py_CLEAR(codes);
        else if (PyBytes_AsStringAndSize(body, &text, &size) < 0)
            Py_CLEAR(codes);
        else {
            int64_t found = number_of(table, (const uint8_t *)text, (size_t)size);
            uint32_t code = (uint32_t)found;
            memcpy(PyByteArray_AsString(codes) + 4 * count, &code, 4);
            if (found < 0) {
                PyErr_NoMemory();
                Py_CLEAR(codes);
            }
        }
        Py_DECREF(body);
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred() || (codes != NULL && PyByteArray_Resize(codes, (Py_ssize_t)(4 * count)) < 0)) Py_CLEAR(codes);
    return codes;
}

/* spans(text, begins, ends) -> numbers of the bodies at these places (int64). */
static PyObject *spans(Table *table, PyObject *args) {
    Py_buffer text, begins, ends;
    if (!PyArg_ParseTuple(args, "y*y*y*", &text, &begins, &ends)) return NULL;
    size_t count = (size_t)begins.len / 8;
    PyObject *codes = array(count, 4);
    if (begins.len != ends.len) {
        PyErr_SetString(PyExc_ValueError, "as many begins as ends are expected");
        Py_CLEAR(codes);
    }
    for (size_t i = 0; codes != NULL && i < count; i++) {
        int64_t begin, end, found = -1;
        memcpy(&begin, (const uint8_t *)begins.buf + 8 * i, 8);
        memcpy(&end, (const uint8_t *)ends.buf + 8 * i, 8);
        if (begin < 0 || end < begin || end > text.len)
            PyErr_SetString(PyExc_ValueError, "a place lies outside the text");
        else if ((found = number_of(table, (const uint8_t *)text.buf + begin, (size_t)(end - begin))) < 0)
            PyErr_NoMemory();
        uint32_t code = (uint32_t)found;
        memcpy(PyByteArray_AsString(codes) + 4 * i, &code, 4);
        if (found < 0) Py_CLEAR(codes);
    }
    PyBuffer_Release(&text);
    PyBuffer_Release(&begins);
    PyBuffer_Release(&ends);
    return codes;
}

static PyObject *bodies(Table *table, PyObject *Py_UNUSED(args)) {
    PyObject *list = PyList_New(table->count);
    for (uint32_t i = 0; list != NULL && i < table->count; i++) {
        const Entry *entry = &table->entries[i];
        PyObject *body = PyBytes_FromStringAndSize((const char *)table->bytes + entry->begin, (Py_ssize_t)entry->size);
        if (body == NULL || PyList_SetItem(list, i, body) < 0) Py_CLEAR(list);
    }
    return list;
}

/* flat() -> bodies one after the other, where each begins and where it ends (int64). */
static PyObject *flat(Table *table, PyObject *Py_UNUSED(args)) {
    PyObject *text = PyByteArray_FromStringAndSize((const char *)table->bytes, (Py_ssize_t)table->used);
    PyObject *begins = array(table->count, 8), *ends = array(table->count, 8), *found = NULL;
    if (text != NULL && begins != NULL && ends != NULL) {
        char *first = PyByteArray_AsString(begins), *last = PyByteArray_AsString(ends);
        for (uint32_t i = 0; i < table->count; i++) {
            int64_t begin = (int64_t)table->entries[i].begin, end = begin + (int64_t)table->entries[i].size;
            memcpy(first + 8 * (size_t)i, &begin, 8);
            memcpy(last + 8 * (size_t)i, &end, 8);
        }
        found = PyTuple_Pack(3, text, begins, ends);
    }
    Py_XDECREF(text);
    Py_XDECREF(begins);
    Py_XDECREF(ends);
    return found;
}

static PyObject *clear(Table *table, PyObject *Py_UNUSED(args)) {
    table->count = 0;
    table->used = 0;
    if (table->slots != NULL) memset(table->slots, 0, (table->mask + 1) * sizeof *table->slots);
    Py_RETURN_NONE;
}

static Py_ssize_t length(Table *table) { return table->count; }

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords)) {
    unsigned long long seed, secret;
    if (!PyArg_ParseTuple(args, "KK", &seed, &secret)) return NULL;
    allocfunc make = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Table *table = (Table *)make(type, 0); /* zeroed */
    if (table == NULL) return NULL;
    table->seed = seed;
    table->secret = secret | 1;
    return (PyObject *)table;
}

static void destroy(Table *table) {
    PyTypeObject *type = Py_TYPE((PyObject *)table);
    PyMem_Free(table->bytes);
    PyMem_Free(table->entries);
    PyMem_Free(table->slots);
    PyMem_Free(table->scratch);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(table);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"scan", (PyCFunction)scan, METH_VARARGS, "scan(block, shapes): numbers, flags and times of its lines"},
    {"number", (PyCFunction)number, METH_O, "number(bodies): their numbers"},
    {"spans", (PyCFunction)spans, METH_VARARGS, "spans(text, begins, ends): numbers of the bodies at these places"},
    {"bodies", (PyCFunction)bodies, METH_NOARGS, "Distinct bodies in order of their numbers"},
    {"flat", (PyCFunction)flat, METH_NOARGS, "Distinct bodies one after the other, where each begins and ends"},
    {"clear", (PyCFunction)clear, METH_NOARGS, "Forget all bodies and count from 0 again"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Table(seed, secret): distinct bodies, numbered in order of first appearance"},
    {Py_tp_new, create},
    {Py_tp_dealloc, destroy},
    {Py_tp_methods, methods},
    {Py_sq_length, length},
    {0, NULL},
};

PyType_Spec lo2_table_spec = {"lo2_kernel.Table", sizeof(Table), 0, Py_TPFLAGS_DEFAULT, slots};
