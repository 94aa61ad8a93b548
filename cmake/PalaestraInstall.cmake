# `cmake --install`: libraries, headers under include/palaestra/<layer>/, and a package that
# find_package(Palaestra) reads. tests/consumers/find_package uses it as a stranger would.
include(CMakePackageConfigHelpers)

get_property(PALAESTRA_LAYER_TARGETS GLOBAL PROPERTY PALAESTRA_LAYERS)
install(TARGETS ${PALAESTRA_LAYER_TARGETS} EXPORT PalaestraTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
foreach(layer core nn envs replay rollout agents world_models)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${layer})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${layer}
            DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/palaestra COMPONENT development
            FILES_MATCHING PATTERN "*.h")
  endif()
endforeach()

set(PALAESTRA_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Palaestra)
install(EXPORT PalaestraTargets NAMESPACE palaestra:: DESTINATION ${PALAESTRA_CONFIG_DIR}
        COMPONENT development)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/PalaestraConfig.cmake.in
  ${PROJECT_BINARY_DIR}/PalaestraConfig.cmake INSTALL_DESTINATION ${PALAESTRA_CONFIG_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/PalaestraConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/PalaestraConfig.cmake
              ${PROJECT_BINARY_DIR}/PalaestraConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindMuJoCo.cmake
        DESTINATION ${PALAESTRA_CONFIG_DIR} COMPONENT development)
