/* py/stamp.c - was a dict changed since?
 *
 * Before Python 3.12 a dict has a version that is another one after each change, unique
 * among all dicts (PEP 509, a public member of its struct).  From 3.12 on that is
 * deprecated, and there are watchers (PyDict_AddWatcher): a callback for each change of
 * a watched dict.  The callback has no argument of ours, so it counts the changes of all
 * watched dicts in one static word, under the GIL; two threads then only make each other
 * think that a dict was changed. */
#include "py/state.h"

#if PY_VERSION_HEX < 0x030C0000

int cit_py_stamp_init(struct cit_py_state *st)
{
    (void)st;
    return 0;
}

void cit_py_stamp_fini(struct cit_py_state *st)
{
    (void)st;
}

bool cit_py_stamp_watch(struct cit_py_state *st, PyObject *dict)
{
    (void)st;
    (void)dict;
    return true;
}

void cit_py_stamp_unwatch(struct cit_py_state *st, PyObject *dict)
{
    (void)st;
    (void)dict;
}

uint64_t cit_py_stamp_of(PyObject *dict)
{
    return ((PyDictObject *)dict)->ma_version_tag;
}

#else

static uint64_t changes;

static int changed(PyDict_WatchEvent event, PyObject *dict, PyObject *key, PyObject *value)
{
    (void)event;
    (void)dict;
    (void)key;
    (void)value;
    changes++;
    return 0;
}

/* A process has eight watchers for all its modules: without one, environs are not used again. */
int cit_py_stamp_init(struct cit_py_state *st)
{
    st->watcher = PyDict_AddWatcher(changed) + 1;
    if (st->watcher == 0)
        PyErr_Clear();
    return 0;
}

void cit_py_stamp_fini(struct cit_py_state *st)
{
    if (st->watcher != 0 && PyDict_ClearWatcher(st->watcher - 1) < 0)
        PyErr_Clear();
    st->watcher = 0;
}

bool cit_py_stamp_watch(struct cit_py_state *st, PyObject *dict)
{
    if (st->watcher == 0)
        return false;
    if (PyDict_Watch(st->watcher - 1, dict) == 0)
        return true;
    PyErr_Clear();
    return false;
}

void cit_py_stamp_unwatch(struct cit_py_state *st, PyObject *dict)
{
    if (st->watcher != 0 && PyDict_Unwatch(st->watcher - 1, dict) < 0)
        PyErr_Clear();
}

uint64_t cit_py_stamp_of(PyObject *dict)
{
    (void)dict;
    return changes;
}

#endif
