#include <palaestra/nn/graph.h>
