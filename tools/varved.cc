#include "server/varved.h"

int main(int argc, char** argv) {
  return varve::server::RunVarved(std::vector<std::string>(argv + 1, argv + argc));
}
