#include <palaestra/envs/mujoco/model.h>

#include <mujoco/mujoco.h>

#include <cstdio>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/stepping.h>

namespace palaestra::envs::mujoco {

namespace {

/// Calls make(message, size) for a model, with errors of the engine and of the file as UserError.
template <class Make>
Model made(const std::filesystem::path& file, Make make) {
  require_engine_version();
  std::error_code ignored;
  require(std::filesystem::is_regular_file(file, ignored), "MuJoCo model ", file.string(),
          ": there is no such file");

  char message[1000] = "";
  mjModel* model = nullptr;
  try {
    model = make(message, static_cast<int>(sizeof(message)));
  } catch (const EngineError& error) {
    throw UserError(concat("MuJoCo model ", file.string(), ": ", error.what()));
  }
  require(model != nullptr, "MuJoCo model ", file.string(), ": ", message);

  model->opt.disableflags |= mjDSBL_AUTORESET;
  return Model(model, [](const mjModel* m) { mj_deleteModel(const_cast<mjModel*>(m)); });
}

}  // namespace

Model load_model(const std::filesystem::path& file) {
  return made(file, [name = file.string()](char* message, int size) {
    mjModel* model = nullptr;
    guarded([&name, &model, message, size] {
      model = mj_loadXML(name.c_str(), nullptr, message, size);
    });
    return model;
  });
}

Model load_model(const std::filesystem::path& file, const std::function<void(mjSpec_&)>& edit) {
  return made(file, [name = file.string(), &edit](char* message, int size) {
    mjSpec* parsed = nullptr;
    guarded([&name, &parsed, message, size] {
      parsed = mj_parseXML(name.c_str(), nullptr, message, size);
    });
    const std::unique_ptr<mjSpec, decltype(&mj_deleteSpec)> spec(parsed, &mj_deleteSpec);
    mjModel* model = nullptr;
    if (spec != nullptr) {
      guarded([s = spec.get(), &edit, &model] {
        edit(*s);
        model = mj_compile(s, nullptr);
      });
      if (model == nullptr) {
        const char* const error = mjs_getError(spec.get());
        std::snprintf(message, static_cast<std::size_t>(size), "%s", error);
      }
    }
    return model;
  });
}

void require_original(const std::filesystem::path& file, const char* id, const char* sha256,
                      const Package& package) {
  const std::string text = read_text(file);
  Sha256 hash;
  hash.update(std::as_bytes(std::span<const char>(text)));
  const std::string found = hash.hex();
  require(found == sha256, id, ": the model file ", file.string(), " is not that of ", package.name,
          " ", package.version, " (its SHA-256 is ", found, ", expected ", sha256,
          "); mend it with: pip install -c constraints.txt --force-reinstall ", package.name);
}

Data::Data(Model model) : model_(std::move(model)), plain_(is_plain(*model_)) {
  mjData* data = nullptr;
  guarded([this, &data] { data = mj_makeData(model_.get()); });
  if (data == nullptr) {
    throw EngineError("MuJoCo: no memory for the work space of a model");
  }
  data_.reset(data);
  parts_ = StateParts(*model_, *data_);
}

void Data::Delete::operator()(mjData_* data) const { mj_deleteData(data); }

}  // namespace palaestra::envs::mujoco
