/* The building of fleet.c and fleet.cpp: its numbers, in the part of the language that C and C++
 * share. */
#ifndef FLEET_H
#define FLEET_H

#include <math.h>

enum {
  kRoomCount = 100,   /* a room and its thermostat have the same number */
  kCoordinator = 100, /* the agent that is registered after the thermostats */
  kTemperature_c = 0, /* slots of a room */
  kSetPoint_c = 1,
  kHeat_w = 2,
  kSlotCount = 3,
  kReport = 0, /* types of message */
  kSetPoint = 1,
  kLane = 0,        /* one building, one clock */
  kCapacity = 1024, /* of a queue of messages */
  kSeed = 2024
};

static const double kHour_s = 3600.0, kDay_s = 86400.0;
static const double kStep_s = 60.0;         /* of the rooms' physics */
static const double kThermostat_s = 60.0;   /* between two ticks */
static const double kCoordinator_s = 300.0; /* between two ticks */
static const double kMinDelay_s = 0.1;      /* of every message */
static const double kRoom_j_per_k = 1.5e6;  /* heat capacity */
static const double kGain_w_per_k = 2000.0; /* of a thermostat */
static const double kMaxHeat_w = 4000.0;    /* of a room */
static const double kLimit_w = 200e3;       /* of all rooms together */
static const double kSetPointStep_k = 0.1;  /* by which the coordinator feels its way */
static const double kFirstRoom_c = 17.5, kFirstSetPoint_c = 18.0;

/* From -8 at 4:00 to 8 at 16:00 and back. */
static inline double outdoor_c(double time_s) {
  return 8.0 - 16.0 * fabs(time_s - 16.0 * kHour_s) / (12.0 * kHour_s);
}

static inline double loss_w(int room, double temperature_c, double time_s) {
  return (80.0 + 0.4 * room) * (temperature_c - outdoor_c(time_s));
}

static inline double clamp(double value, double low, double high) {
  return fmin(fmax(value, low), high);
}

/* Where the coordinator wants the set-point when the rooms report this much heat. */
static inline double wanted_c(double time_s, double total_w) {
  if (total_w > kLimit_w) return 0.0;
  return time_s >= 6.0 * kHour_s && time_s < 22.0 * kHour_s ? 21.0 : 18.0;
}

#endif
