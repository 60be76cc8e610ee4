/* The module: compiled twins, the same bytes sooner. CONTRACT changes whenever what a function takes or gives does. */
#include "kernel.h"

static PyMethodDef methods[] = {
    {"count", lo2_count, METH_VARARGS, "count(rows, width): how often each row of uint32 holds each key"},
    {"expand", lo2_expand, METH_VARARGS,
     "expand(starts, items, counts, token_starts, ids, times, width): rows of items to rows of their tokens"},
    {"collapse", lo2_collapse, METH_VARARGS, "collapse(text): ones for the digits of long ids and numbers, in place"},
    {"spans", lo2_spans, METH_VARARGS, "spans(text, size): starts and ends of the lines between its line feeds"},
    {"places", lo2_places, METH_VARARGS,
     "places(place, text, starts, ends, lines): those of the lines that may hold a stamp there, and where"},
    {"keyed", lo2_keyed, METH_VARARGS,
     "keyed(json, key, text, starts, ends, lines): those of the lines that hold a key, and where its value begins"},
    {"stamps", lo2_stamps, METH_VARARGS,
     "stamps(text, places, limits, shapes, tail, zones): which are stamps, their times and their ends"},
    {"ones", lo2_ones, METH_VARARGS, "ones(text, raw): raw with ones for its digits, into text"},
    {"put_back", lo2_put_back, METH_VARARGS,
     "put_back(text, raw, begins, ends, firsts, sizes, places): some bytes of raw back into the bodies of text"},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module) {
    lo2_prepare();
    lo2_prepare_collapse();
    lo2_prepare_door();
    PyObject *table = PyType_FromSpec(&lo2_table_spec);
    if (table == NULL) return -1;
    int failed = PyModule_AddObjectRef(module, "Table", table);
    Py_DECREF(table);
    return failed < 0 ? failed : PyModule_AddIntConstant(module, "CONTRACT", 4);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "lo2_kernel", .m_doc = "Compiled twin of parts of lo2.", .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_lo2_kernel(void) { return PyModuleDef_Init(&module); }
