/* py/call.c - one request, from the server's call to the application's last byte.
 *
 *      kit from the spares ─> environ ─> app(environ, start_response) ─> result ─> close()
 *             ^                                                                     │
 *             └──────────── back, if nobody else holds a part of it ────────────────┘
 *
 * A kit whose parts have one reference each (wsgi.input one more while the kit's environ
 * holds it) was kept by nobody and serves the next request.  Otherwise it is cut off from
 * the request and left to whoever kept it. */
#include "py/state.h"

#include <unistd.h>

/* ---- kits ---- */

static struct cit_py_kit *take_kit(struct cit_py_state *st)
{
    return st->kits > 0 ? st->kit[--st->kits] : cit_py_kit_new(st);
}

static void lend(struct cit_py_kit *kit, struct cit_py_call *c)
{
    kit->call = c;
    kit->write->call = c;
    kit->input->call = c;
    kit->input->taken = 0;
}

static bool is_unshared(struct cit_py_kit *kit)
{
    Py_ssize_t in_environ = kit->env.dict != NULL && kit->env.value[CIT_PY_KEY_wsgi_input] == (PyObject *)kit->input;

    return Py_REFCNT((PyObject *)kit) == 1 && Py_REFCNT((PyObject *)kit->write) == 1 &&
           Py_REFCNT((PyObject *)kit->input) == 1 + in_environ;
}

static void give_back_kit(struct cit_py_state *st, struct cit_py_kit *kit)
{
    lend(kit, NULL);
    if (st->kits < CIT_PY_KITS && is_unshared(kit))
        st->kit[st->kits++] = kit;
    else
        Py_DECREF((PyObject *)kit);
}

void cit_py_kits_clear(struct cit_py_state *st)
{
    while (st->kits > 0)
        Py_DECREF((PyObject *)st->kit[--st->kits]);
}

/* ---- use by the application ---- */

int cit_py_call_enter(struct cit_py_call *c)
{
    if (c == NULL) {
        PyErr_SetString(PyExc_ValueError, "the request is over");
        return -1;
    }
    if (c->busy) {
        PyErr_SetString(PyExc_RuntimeError, "the request is being read or answered by another thread");
        return -1;
    }
    c->busy = 1;
    return 0;
}

void cit_py_call_leave(struct cit_py_call *c)
{
    c->busy = 0;
}

/* ---- begin and end ---- */

static int begin(struct cit_py_call *c, struct cit_py_server *s, struct cit_req *r)
{
    struct cit_py_state *st = s->st;

    *c = (struct cit_py_call){ .r = r, .srv = s, .ident = PyThread_get_thread_ident(), .serial = ++st->serial };
    c->kit = take_kit(st);
    if (c->kit == NULL)
        return -1;
    lend(c->kit, c);
    c->next = st->calls;
    if (c->next != NULL)
        c->next->prev = c;
    st->calls = c;
    return 0;
}

/* Another thread of the application may still be inside the server with this request, which
 * ends with this call. */
static void wait_for_others(struct cit_py_call *c)
{
    while (c->busy) {
        Py_BEGIN_ALLOW_THREADS(void) usleep(1000);
        Py_END_ALLOW_THREADS
    }
}

static void end(struct cit_py_call *c)
{
    struct cit_py_state *st = c->srv->st;

    wait_for_others(c);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        st->calls = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    give_back_kit(st, c->kit);
    cit_py_errors_flush(st);
    /* An interruption that came too late must not hit this thread's next request. */
    if (c->interrupted)
        (void)PyThreadState_SetAsyncExc((unsigned long)c->ident, NULL);
}

static PyObject *run(struct cit_py_call *c, PyObject *env)
{
    PyObject *args[3] = { NULL, env, (PyObject *)c->kit };
    PyObject *result = PyObject_Vectorcall(c->srv->app, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);

    cit_py_fork_guard_check(c->srv);
    return result;
}

static void fail(struct cit_py_call *c)
{
    cit_py_report_request(c, "Error handling request");
    cit_resp_fail(c->r);
}

void cit_py_call(void *app, struct cit_req *r)
{
    struct cit_py_server *s = app;
    struct cit_py_call c;
    PyObject *env, *result;

    if (begin(&c, s, r) < 0) {
        cit_py_report(s, "A request could not be begun");
        cit_resp_fail(r);
        return;
    }
    env = cit_py_environ_fill(&c);
    result = env == NULL ? NULL : run(&c, env);
    if (result == NULL) {
        fail(&c);
    } else {
        cit_py_result_send(&c, result);
        Py_DECREF(result);
    }
    cit_py_environ_done(s->st, &c.kit->env);
    end(&c);
}
