#include <palaestra/rollout/agent.h>
