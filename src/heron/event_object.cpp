#include "heron/event_object.hpp"

#include <structmember.h>

#include <array>
#include <cstddef>
#include <string>
#include <tuple>

namespace heron_bindings {
namespace {

PyTypeObject* g_event_type = nullptr;  // set once, when the module is imported

EventObject* cast(PyObject* self) noexcept { return reinterpret_cast<EventObject*>(self); }

PyObject* default_event_type() {
  // Imported when first needed, since heron.scheduling itself imports this module.
  const py::module_ module = py::module_::import("heron.scheduling.event_type");
  return py::object(module.attr("EventType").attr("AGENT_TICK")).release().ptr();
}

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const std::array<const char*, 7> kNames{"timestamp", "priority", "sequence", "event_type",
                                                 "agent_id",  "payload",  nullptr};
  double timestamp = 0.0;
  long long priority = 0;
  unsigned long long sequence = 0;
  PyObject* event_type = nullptr;
  PyObject* agent_id = Py_None;
  PyObject* payload = nullptr;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "d|LKOOO:Event", const_cast<char**>(kNames.data()),
                                  &timestamp, &priority, &sequence, &event_type, &agent_id,
                                  &payload) == 0) {
    return -1;
  }
  try {
    EventObject* event = cast(self);
    event->timestamp = timestamp;
    event->priority = priority;
    event->sequence = sequence;
    PyObject* type = event_type == nullptr ? default_event_type() : Py_NewRef(event_type);
    Py_XSETREF(event->event_type, type);
    Py_XSETREF(event->agent_id, Py_NewRef(agent_id));
    Py_XSETREF(event->payload, Py_XNewRef(payload));
    return 0;
  } catch (py::error_already_set& error) {
    error.restore();
    return -1;
  }
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->event_type);
  Py_VISIT(cast(self)->agent_id);
  Py_VISIT(cast(self)->payload);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(cast(self)->event_type);
  Py_CLEAR(cast(self)->agent_id);
  Py_CLEAR(cast(self)->payload);
  return 0;
}

void let_go(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  clear(self);
  type->tp_free(self);
  Py_DECREF(type);
}

void deallocate(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (cast(self)->payload == nullptr) return let_go(self);  // a tick: the many of them go fast
  // A long chain of events, each the payload of the next, must not use up the stack.
  Py_TRASHCAN_BEGIN(self, deallocate);
  let_go(self);
  Py_TRASHCAN_END;
}

// Events are ordered, and equal, by (timestamp, priority, sequence) alone.
PyObject* compare(PyObject* self, PyObject* other, int operation) {
  if (PyObject_TypeCheck(other, g_event_type) == 0) Py_RETURN_NOTIMPLEMENTED;
  const auto key = [](PyObject* event) {
    return std::tuple(cast(event)->timestamp, cast(event)->priority, cast(event)->sequence);
  };
  const auto a = key(self);
  const auto b = key(other);
  switch (operation) {
    case Py_LT:
      return PyBool_FromLong(a < b);
    case Py_LE:
      return PyBool_FromLong(a <= b);
    case Py_GT:
      return PyBool_FromLong(a > b);
    case Py_GE:
      return PyBool_FromLong(a >= b);
    case Py_EQ:
      return PyBool_FromLong(a == b);
    default:
      return PyBool_FromLong(a != b);
  }
}

PyObject* payload_of(PyObject* self, void*) {
  if (cast(self)->payload == nullptr) {
    cast(self)->payload = PyDict_New();
    if (cast(self)->payload == nullptr) return nullptr;
  }
  return Py_NewRef(cast(self)->payload);
}

int set_payload(PyObject* self, PyObject* value, void*) {
  Py_XSETREF(cast(self)->payload, Py_XNewRef(value));
  return 0;
}

PyObject* reduce(PyObject* self, PyObject*) {
  const EventObject* event = cast(self);
  PyObject* payload = payload_of(self, nullptr);
  if (payload == nullptr) return nullptr;
  return Py_BuildValue("O(dLKOON)", reinterpret_cast<PyObject*>(Py_TYPE(self)), event->timestamp,
                       event->priority, static_cast<unsigned long long>(event->sequence),
                       event->event_type == nullptr ? Py_None : event->event_type,
                       event->agent_id == nullptr ? Py_None : event->agent_id, payload);
}

PyObject* represent(PyObject* self) {
  try {
    const py::handle event(self);
    return py::str(
               "Event(timestamp={!r}, priority={}, sequence={}, event_type={}, "
               "agent_id={!r}, payload={!r})")
        .format(event.attr("timestamp"), event.attr("priority"), event.attr("sequence"),
                event.attr("event_type"), event.attr("agent_id"), event.attr("payload"))
        .release()
        .ptr();
  } catch (py::error_already_set& error) {
    error.restore();
    return nullptr;
  }
}

std::array<PyMemberDef, 6> g_members{{
    {"timestamp", T_DOUBLE, offsetof(EventObject, timestamp), 0, "Simulated time [s]."},
    {"priority", T_LONGLONG, offsetof(EventObject, priority), 0, "Smaller comes first."},
    {"sequence", T_ULONGLONG, offsetof(EventObject, sequence), 0, "Number of the scheduling."},
    {"event_type", T_OBJECT, offsetof(EventObject, event_type), 0, "What the event stands for."},
    {"agent_id", T_OBJECT, offsetof(EventObject, agent_id), 0, "Whose event it is, or None."},
    {nullptr, 0, 0, 0, nullptr},
}};
std::array<PyGetSetDef, 2> g_properties{{
    {"payload", &payload_of, &set_payload, "What the event carries.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
}};
std::array<PyMethodDef, 2> g_methods{{
    {"__reduce__", &reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
}};

constexpr const char* kDocumentation =
    "Event(timestamp, priority=0, sequence=0, event_type=EventType.AGENT_TICK, agent_id=None, "
    "payload={})\n--\n\n"
    "One thing that happens at a simulated time, in seconds. Events are ordered, and equal, by "
    "timestamp, priority and sequence alone; the scheduler assigns the sequence.";

}  // namespace

PyTypeObject* event_type_object() noexcept { return g_event_type; }

void bind_event_object(py::module_& module) {
  std::array<PyType_Slot, 12> slots{{
      {Py_tp_doc, const_cast<char*>(kDocumentation)},
      {Py_tp_init, reinterpret_cast<void*>(&init)},
      {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(&clear)},
      {Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
      {Py_tp_richcompare, reinterpret_cast<void*>(&compare)},
      {Py_tp_hash, reinterpret_cast<void*>(&PyObject_HashNotImplemented)},
      {Py_tp_repr, reinterpret_cast<void*>(&represent)},
      {Py_tp_members, g_members.data()},
      {Py_tp_getset, g_properties.data()},
      {Py_tp_methods, g_methods.data()},
      {0, nullptr},
  }};
  PyType_Spec spec{"heron._core.Event", sizeof(EventObject), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  module.attr("Event") = type;
  // With a reference of its own, so that deleting the module's attribute leaves the type.
  g_event_type = reinterpret_cast<PyTypeObject*>(type.release().ptr());
}

py::object make_event(double timestamp, long long priority, std::uint64_t sequence,
                      py::handle event_type, py::handle agent_id) {
  PyObject* made = g_event_type->tp_alloc(g_event_type, 0);
  if (made == nullptr) throw py::error_already_set();
  EventObject* event = cast(made);
  event->timestamp = timestamp;
  event->priority = priority;
  event->sequence = sequence;
  event->event_type = Py_XNewRef(event_type.ptr());
  event->agent_id = Py_XNewRef(agent_id.ptr());
  return py::reinterpret_steal<py::object>(made);
}

EventObject& as_event(const py::object& object) {
  if (PyObject_TypeCheck(object.ptr(), g_event_type) == 0) {
    throw py::type_error("expected an Event, got " + std::string(Py_TYPE(object.ptr())->tp_name));
  }
  return *cast(object.ptr());
}

}  // namespace heron_bindings
