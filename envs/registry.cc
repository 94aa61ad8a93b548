#include <palaestra/envs/registry.h>
