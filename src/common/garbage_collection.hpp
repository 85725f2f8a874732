#pragma once

#include <pybind11/pybind11.h>

namespace heron_bindings {

namespace py = pybind11;

// Let Python's garbage collector see through a bound class whose objects refer to Python objects:
// for py::custom_type_setup. kTraverse(const T&, visit, arg) visits each reference, kDrop(T&) gives
// them up.
template <class T, auto kTraverse, auto kDrop>
void take_part_in_garbage_collection(PyHeapTypeObject* heap_type) {
  PyTypeObject* type = &heap_type->ht_type;
  type->tp_flags |= Py_TPFLAGS_HAVE_GC;
  type->tp_traverse = [](PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (!py::detail::is_holder_constructed(self)) return 0;
    return kTraverse(py::cast<const T&>(py::handle(self)), visit, arg);
  };
  type->tp_clear = [](PyObject* self) {
    if (py::detail::is_holder_constructed(self)) kDrop(py::cast<T&>(py::handle(self)));
    return 0;
  };
}

}  // namespace heron_bindings
