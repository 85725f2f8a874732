#include <heron/event_queue.hpp>
#include <powergrid/line_drop.hpp>

// Uses one thing of each library; the exit status says whether it worked.
int main() {
  heron::EventQueue queue;
  queue.push(2.0, 0, 2);
  queue.push(1.0, 0, 1);
  const bool is_ordered = queue.pop()->payload == 1;
  const bool is_raised =
      powergrid::line_drop_step(110.0, 0.0, -16.0, 16.0, powergrid::LineDropSettings{}) == 1;
  return is_ordered && is_raised ? 0 : 1;
}
