#include <palaestra/replay/minibatch.h>
