#include <palaestra/envs/mujoco/model.h>

#include <mujoco/mujoco.h>

#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>
#include <palaestra/envs/mujoco/engine.h>

namespace palaestra::envs::mujoco {

Model load_model(const std::filesystem::path& file) {
  require_engine_version();
  std::error_code ignored;
  require(std::filesystem::is_regular_file(file, ignored), "MuJoCo model ", file.string(),
          ": there is no such file");

  const std::string name = file.string();
  char message[1000] = "";
  mjModel* model = nullptr;
  try {
    guarded([&name, &message, &model] {
      model = mj_loadXML(name.c_str(), nullptr, message, sizeof(message));
    });
  } catch (const EngineError& error) {
    throw UserError(concat("MuJoCo model ", name, ": ", error.what()));
  }
  require(model != nullptr, "MuJoCo model ", name, ": ", message);

  model->opt.disableflags |= mjDSBL_AUTORESET;
  return Model(model, [](const mjModel* m) { mj_deleteModel(const_cast<mjModel*>(m)); });
}

void require_original(const std::filesystem::path& file, const char* id, const char* sha256) {
  const std::string text = read_text(file);
  Sha256 hash;
  hash.update(std::as_bytes(std::span<const char>(text)));
  const std::string found = hash.hex();
  require(found == sha256, id, ": the model file ", file.string(),
          " is not that of gymnasium 1.4.0 (its SHA-256 is ", found, ", expected ", sha256,
          "); mend it with: pip install -c constraints.txt --force-reinstall gymnasium");
}

Data::Data(Model model) : model_(std::move(model)) {
  mjData* data = nullptr;
  guarded([this, &data] { data = mj_makeData(model_.get()); });
  if (data == nullptr) {
    throw EngineError("MuJoCo: no memory for the work space of a model");
  }
  data_.reset(data);
}

void Data::Delete::operator()(mjData_* data) const { mj_deleteData(data); }

}  // namespace palaestra::envs::mujoco
