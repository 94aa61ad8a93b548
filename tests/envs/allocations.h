#pragma once

/// How often this test program has allocated with operator new so far.
long allocations();
