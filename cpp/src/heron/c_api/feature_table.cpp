#include "heron/feature_table.hpp"

#include "handles.hpp"

using namespace heron::c_api;

namespace {

template <class Out>
heron_status gather(const heron_feature_table* table, const int32_t* observer, const int32_t* lane,
                    size_t n_row, Out* out, size_t row_length) {
  return guarded([&] {
    required(table, "table")
        .gather<Out>(array(observer, n_row, "observer"), array(lane, n_row, "lane"),
                     matrix(out, n_row, row_length, "out"), row_length);
  });
}

template <class Out>
heron_status gather_as_of(const heron_feature_table* table, const int32_t* observer,
                          const int32_t* lane, const double* time_s, size_t n_row, Out* out,
                          size_t row_length, uint8_t* is_stale) {
  return guarded([&] {
    required(table, "table")
        .gather_as_of<Out>(array(observer, n_row, "observer"), array(lane, n_row, "lane"),
                           array(time_s, n_row, "time_s"), matrix(out, n_row, row_length, "out"),
                           row_length, array(is_stale, n_row, "is_stale"));
  });
}

}  // namespace

extern "C" {

heron_status heron_feature_table_create(int32_t n_slot, int32_t n_lane, int32_t n_history,
                                        heron_feature_table** table) {
  return create(table, "table", n_slot, n_lane, n_history);
}

void heron_feature_table_destroy(heron_feature_table* table) { delete table; }

heron_status heron_feature_table_data(heron_feature_table* table, double** data,
                                      size_t* lane_stride) {
  return guarded([&] {
    heron_feature_table& source = required(table, "table");
    double*& first = required(data, "data");
    required(lane_stride, "lane_stride") = source.lane_stride();
    first = source.data();
  });
}

heron_status heron_feature_table_snapshot(heron_feature_table* table, const int32_t* lane,
                                          const double* time_s, size_t n_lane) {
  return guarded([&] {
    required(table, "table").snapshot(array(lane, n_lane, "lane"), array(time_s, n_lane, "time_s"));
  });
}

heron_status heron_feature_table_snapshot_all(heron_feature_table* table, double time_s) {
  return guarded([&] { required(table, "table").snapshot_all(time_s); });
}

heron_status heron_feature_table_clear_history(heron_feature_table* table, int32_t lane) {
  return guarded([&] { required(table, "table").clear_history(lane); });
}

heron_status heron_feature_table_add_observer(heron_feature_table* table, const int32_t* slot,
                                              size_t n_slot, int32_t* observer) {
  return guarded([&] {
    int32_t& number = required(observer, "observer");
    number = required(table, "table").add_observer(array(slot, n_slot, "slot"));
  });
}

heron_status heron_feature_table_gather_f64(const heron_feature_table* table,
                                            const int32_t* observer, const int32_t* lane,
                                            size_t n_row, double* out, size_t row_length) {
  return gather(table, observer, lane, n_row, out, row_length);
}

heron_status heron_feature_table_gather_f32(const heron_feature_table* table,
                                            const int32_t* observer, const int32_t* lane,
                                            size_t n_row, float* out, size_t row_length) {
  return gather(table, observer, lane, n_row, out, row_length);
}

heron_status heron_feature_table_gather_as_of_f64(const heron_feature_table* table,
                                                  const int32_t* observer, const int32_t* lane,
                                                  const double* time_s, size_t n_row, double* out,
                                                  size_t row_length, uint8_t* is_stale) {
  return gather_as_of(table, observer, lane, time_s, n_row, out, row_length, is_stale);
}

heron_status heron_feature_table_gather_as_of_f32(const heron_feature_table* table,
                                                  const int32_t* observer, const int32_t* lane,
                                                  const double* time_s, size_t n_row, float* out,
                                                  size_t row_length, uint8_t* is_stale) {
  return gather_as_of(table, observer, lane, time_s, n_row, out, row_length, is_stale);
}

}  // extern "C"
