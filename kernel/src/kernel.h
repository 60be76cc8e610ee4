/* What the parts of the kernel share. All of it is a twin of Python code in lo2, which is its oracle. */
#ifndef LO2_KERNEL_H
#define LO2_KERNEL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* line.c: one line, text[0..size) without its line feed; everything read lies inside. */
typedef struct {
    size_t begin, end; /* of the body */
    bool header;
    int64_t time; /* ms of the day, of headers */
} Line;

void lo2_prepare(void);
Line lo2_read_line(const uint8_t *text, size_t size);
/* Put stand-ins for ids of text[0..size) into copy, which holds text[from..size); whether there were any. With copy
   NULL nothing is written. */
bool lo2_stand_in(const uint8_t *text, size_t size, size_t from, uint8_t *copy);

/* table.c: distinct bodies, numbered in order of first appearance. */
extern PyType_Spec lo2_table_spec;

/* bags.c */
PyObject *lo2_count(PyObject *module, PyObject *args);
PyObject *lo2_expand(PyObject *module, PyObject *args);

/* collapse.c */
void lo2_prepare_collapse(void);
PyObject *lo2_collapse(PyObject *module, PyObject *args);

/* door.c */
void lo2_prepare_door(void);
PyObject *lo2_spans(PyObject *module, PyObject *args);
PyObject *lo2_places(PyObject *module, PyObject *args);
PyObject *lo2_keyed(PyObject *module, PyObject *args);

/* stamps.c */
PyObject *lo2_stamps(PyObject *module, PyObject *args);

/* alike.c */
PyObject *lo2_ones(PyObject *module, PyObject *args);
PyObject *lo2_put_back(PyObject *module, PyObject *args);

#endif
