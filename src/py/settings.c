/* py/settings.c - a dict of settings into struct cit_conf, and what settings there are.
 *
 * The options that people write are the package's; here are names and numbers. */
#include "py/state.h"

#include <stdio.h>
#include <string.h>

#define FORWARDED "forwarded_allow_ips" /* the glue's own: no part of the server sees it */
#define FORWARDED_DEFAULT "127.0.0.1,::1"

/* ---- one setting ---- */

static int refuse(const char *name, const char *why)
{
    PyErr_Format(PyExc_ValueError, "setting '%s' %s", name, why);
    return -1;
}

static int set_int(struct cit_conf *conf, const char *name, PyObject *value)
{
    int64_t least = 0, most = 0;
    long long n = PyLong_AsLongLong(value);
    int err;

    if (n == -1 && PyErr_Occurred())
        return -1;
    err = cit_conf_set_int(conf, name, n, &least, &most);
    if (err == CIT_ELIMIT) {
        PyErr_Format(PyExc_ValueError, "setting '%s' is %lld, allowed is %lld to %lld", name, n, (long long)least,
                     (long long)most);
        return -1;
    }
    return err == CIT_OK ? 0 : refuse(name, "is a text, not a number");
}

static bool is_known(const char *name, bool *is_int)
{
    const char *known;

    for (int i = 0; (known = cit_conf_name(i, is_int)) != NULL; i++) {
        if (strcmp(known, name) == 0)
            return true;
    }
    return false;
}

/* The bytes of a str as the file system has them, kept by the list. */
static const char *text_of(PyObject *str, PyObject *strings)
{
    PyObject *bytes = NULL;
    int rc;

    if (!PyUnicode_FSConverter(str, &bytes)) /* refuses NUL */
        return NULL;
    rc = PyList_Append(strings, bytes);
    Py_DECREF(bytes);
    return rc < 0 ? NULL : PyBytes_AS_STRING(bytes);
}

static int set_forwarded(struct cit_py_forwarded *f, const char *text)
{
    struct cit_py_forwarded parsed;
    struct cit_slice bad;
    char item[64];
    int err = cit_py_forwarded_parse(text, &parsed, &bad);

    if (err == CIT_EINVAL) {
        snprintf(item, sizeof item, "%.*s", bad.n < sizeof item ? (int)bad.n : (int)sizeof item - 1, bad.p);
        PyErr_Format(PyExc_ValueError, "setting '" FORWARDED "': '%s' is no address, network or '*'", item);
        return -1;
    }
    if (err != CIT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    cit_py_forwarded_fini(f);
    *f = parsed;
    return 0;
}

struct target {
    struct cit_conf *conf;
    struct cit_py_forwarded *forwarded;
    PyObject *strings; /* borrowed */
};

static int set_one(struct target *t, PyObject *key, PyObject *value)
{
    const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : NULL, *text = NULL;
    bool is_int = false, is_forwarded;

    if (name == NULL) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "the names of settings are str");
        return -1;
    }
    is_forwarded = strcmp(name, FORWARDED) == 0;
    if (!is_forwarded && !is_known(name, &is_int))
        return refuse(name, "is not known");
    if (PyLong_Check(value))
        return is_forwarded ? refuse(name, "is a text, not a number") : set_int(t->conf, name, value);
    if (is_int || (value != Py_None && !PyUnicode_Check(value)))
        return refuse(name, is_int ? "is a number" : "is a text or None");
    if (value != Py_None && (text = text_of(value, t->strings)) == NULL)
        return -1;
    if (is_forwarded)
        return set_forwarded(t->forwarded, text == NULL ? "" : text);
    return cit_conf_set_str(t->conf, name, text) == CIT_OK ? 0 : refuse(name, "is not known");
}

/* ---- all of them ---- */

static int set_all(struct target *t, PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;

    while (PyDict_Next(dict, &at, &key, &value)) { /* borrowed: set_one runs no Python code that knows the dict */
        if (set_one(t, key, value) < 0)
            return -1;
    }
    return 0;
}

int cit_py_settings_fill(PyObject *dict, struct cit_conf *conf, struct cit_py_forwarded *forwarded, PyObject **strings)
{
    struct cit_conf filled;
    struct cit_py_forwarded f = { NULL, 0, false };
    struct target t = { &filled, &f, NULL };

    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "settings must be a dict, not %.100s", Py_TYPE(dict)->tp_name);
        return -1;
    }
    cit_conf_defaults(&filled);
    t.strings = PyList_New(0);
    if (t.strings == NULL || set_forwarded(&f, FORWARDED_DEFAULT) < 0 || set_all(&t, dict) < 0) {
        Py_XDECREF(t.strings);
        cit_py_forwarded_fini(&f);
        return -1;
    }
    *conf = filled;
    cit_py_forwarded_fini(forwarded);
    *forwarded = f;
    *strings = t.strings;
    return 0;
}

/* ---- settings() ---- */

/* (default, least, most); the range is what a value outside of it is told. */
static PyObject *describe_int(const struct cit_conf *defaults, const char *name)
{
    struct cit_conf scratch = *defaults;
    int64_t value = 0, least = INT64_MIN, most = INT64_MAX;

    if (cit_conf_get_int(defaults, name, &value) != CIT_OK ||
        cit_conf_set_int(&scratch, name, INT64_MIN, &least, &most) == CIT_ENOENT)
        return PyErr_Format(PyExc_SystemError, "setting '%s' has no value", name);
    return Py_BuildValue("(LLL)", (long long)value, (long long)least, (long long)most);
}

static PyObject *describe_str(const struct cit_conf *defaults, const char *name)
{
    const char *value = NULL;

    if (cit_conf_get_str(defaults, name, &value) != CIT_OK)
        return PyErr_Format(PyExc_SystemError, "setting '%s' has no value", name);
    return Py_BuildValue("(zOO)", value, Py_None, Py_None);
}

static int put_new(PyObject *dict, const char *name, PyObject *value)
{
    int rc = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);

    Py_XDECREF(value);
    return rc;
}

PyObject *cit_py_settings(PyObject *module, PyObject *unused)
{
    PyObject *dict = PyDict_New();
    struct cit_conf defaults;
    const char *name;
    bool is_int;
    int rc = dict == NULL ? -1 : 0;

    (void)module;
    (void)unused;
    cit_conf_defaults(&defaults);
    for (int i = 0; rc == 0 && (name = cit_conf_name(i, &is_int)) != NULL; i++)
        rc = put_new(dict, name, is_int ? describe_int(&defaults, name) : describe_str(&defaults, name));
    if (rc == 0)
        rc = put_new(dict, FORWARDED, Py_BuildValue("(sOO)", FORWARDED_DEFAULT, Py_None, Py_None));
    if (rc < 0)
        Py_CLEAR(dict);
    return dict;
}
