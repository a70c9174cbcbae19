/* py/report.c - what went wrong in Python, told to the error log; and what went wrong in
 * the server, told to Python.
 *
 * A traceback is one record.  Reporting never raises: when even the formatting fails the
 * record says that. */
#include "py/state.h"

#include <stdio.h>

enum { WHAT_MAX = 768, TARGET_MAX = 512 };

/* ---- exceptions to the log ---- */

PyObject *cit_py_take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && traceback != NULL)
        (void)PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* "".join(traceback.format_exception(exc)) */
static PyObject *format_exception(PyObject *exc)
{
    PyObject *module = PyImport_ImportModule("traceback");
    PyObject *lines = module == NULL ? NULL : PyObject_CallMethod(module, "format_exception", "O", exc);
    PyObject *nothing = lines == NULL ? NULL : PyUnicode_FromString("");
    PyObject *text = nothing == NULL ? NULL : PyUnicode_Join(nothing, lines);

    Py_XDECREF(nothing);
    Py_XDECREF(lines);
    Py_XDECREF(module);
    return text;
}

/* A ConfigError or LoadError of the package: its str() is all there is to say. */
static bool is_message(PyObject *exc)
{
    PyObject *module = PyImport_ImportModule("citrate.errors");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "ConfigError");
    bool is = type != NULL && PyErr_GivenExceptionMatches(exc, type);

    PyErr_Clear();
    Py_XDECREF(type);
    Py_XDECREF(module);
    return is;
}

void cit_py_log_str(struct cit_log *log, enum cit_log_level level, PyObject *str)
{
    PyObject *bytes = str == NULL ? NULL : PyUnicode_AsEncodedString(str, "utf-8", "backslashreplace");
    struct cit_slice text;

    if (bytes == NULL) {
        PyErr_Clear();
        return;
    }
    text = cit_slice(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    while (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    cit_log_text(log, level, text);
    Py_DECREF(bytes);
}

static void log_exception(struct cit_log *log, const char *what, PyObject *exc)
{
    PyObject *body = is_message(exc) ? PyObject_Str(exc) : format_exception(exc);
    PyObject *text;

    if (body == NULL) {
        PyErr_Clear();
        body = PyUnicode_FromFormat("%.200s, whose traceback could not be made", Py_TYPE(exc)->tp_name);
    }
    text = body == NULL ? NULL : PyUnicode_FromFormat("%s\n%U", what, body);
    if (text == NULL)
        cit_log_text(log, CIT_LOG_ERROR, cit_slice_str(what));
    cit_py_log_str(log, CIT_LOG_ERROR, text);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(body);
}

void cit_py_report(struct cit_py_server *s, const char *what)
{
    PyObject *exc = cit_py_take_exception();

    if (exc != NULL)
        log_exception(s->log, what, exc);
    Py_XDECREF(exc);
}

static bool is_about_peer(const struct cit_py_call *c, PyObject *exc)
{
    return c->gone && PyErr_GivenExceptionMatches(exc, PyExc_OSError);
}

void cit_py_report_request(struct cit_py_call *c, const char *what)
{
    const struct cit_h1_head *h = cit_req_head(c->r);
    char text[WHAT_MAX];
    PyObject *exc;

    if (c->interrupted) /* the time limit strikes once, and not in what follows here */
        (void)PyThreadState_SetAsyncExc((unsigned long)c->ident, NULL);
    exc = cit_py_take_exception();
    if (exc == NULL)
        return;
    if (is_about_peer(c, exc)) {
        cit_req_debug(c->r, "the application stopped with %.100s: the peer is gone", Py_TYPE(exc)->tp_name);
    } else {
        snprintf(text, sizeof text, "%s %.*s %.*s", what, (int)h->method.n, h->method.p,
                 h->target.n > TARGET_MAX ? TARGET_MAX : (int)h->target.n, h->target.p);
        log_exception(c->srv->log, text, exc);
    }
    Py_DECREF(exc);
}

/* ---- errors of the server to Python ---- */

static int raise_text(PyObject *type, const char *doing, const char *text)
{
    PyErr_Format(type, "%s: %s", doing, text);
    return -1;
}

int cit_py_set_error(struct cit_py_call *c, int err, const char *doing)
{
    if (err == CIT_ENOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    if (err == CIT_ESTATE)
        return raise_text(PyExc_AssertionError, doing, "start_response() was not called before");
    c->gone = true;
    if (err == CIT_ECLOSED)
        return raise_text(PyExc_ConnectionResetError, doing, "the client closed the connection");
    if (err == CIT_ETIMEDOUT)
        return raise_text(PyExc_TimeoutError, doing, "the client is too slow, its time is over");
    if (err == CIT_EPROTO)
        return raise_text(PyExc_OSError, doing, "the client's chunked coding is malformed");
    if (err == CIT_ELIMIT)
        return raise_text(PyExc_OSError, doing, "the body is longer than limit-request-body allows");
    return raise_text(PyExc_OSError, doing, cit_err_text(err));
}
