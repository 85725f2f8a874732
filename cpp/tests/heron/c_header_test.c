/* A strict C11 program: that it compiles shows that the header is C, and it runs the queue. */
#include <heron.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                               \
  do {                                                                 \
    if (!(condition)) {                                                \
      fprintf(stderr, "line %d: %s is false\n", __LINE__, #condition); \
      return 1;                                                        \
    }                                                                  \
  } while (0)

int main(void) {
  heron_event_queue* queue = NULL;
  heron_event_handle handle = 0;
  heron_event event = {0};
  bool has_event = false;
  bool was_pending = false;

  CHECK(strcmp(heron_version(), HERON_VERSION) == 0);
  CHECK(heron_event_queue_create(0.0, &queue) == HERON_OK);
  CHECK(heron_event_queue_push(queue, 2.0, 0, 20, NULL) == HERON_OK);
  CHECK(heron_event_queue_push(queue, 1.0, 5, 10, NULL) == HERON_OK);
  CHECK(heron_event_queue_push(queue, 1.0, 0, 11, &handle) == HERON_OK);
  CHECK(heron_event_queue_push(queue, NAN, 0, 0, NULL) == HERON_INVALID_ARGUMENT);
  CHECK(strstr(heron_last_error(), "nan") != NULL);
  CHECK(heron_event_queue_cancel(queue, handle, &was_pending) == HERON_OK && was_pending);
  CHECK(heron_event_queue_pop(queue, &has_event, &event) == HERON_OK && has_event);
  CHECK(event.payload == 10);
  CHECK(heron_event_queue_pop(queue, &has_event, &event) == HERON_OK && has_event);
  CHECK(event.payload == 20);
  CHECK(heron_event_queue_pop(queue, &has_event, &event) == HERON_OK && !has_event);
  heron_event_queue_destroy(queue);
  return 0;
}
