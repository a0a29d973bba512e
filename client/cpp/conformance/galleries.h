#pragma once

#include <siamese/client.h>

#include <nlohmann/json.hpp>

#include "pictures.h"
#include "texts.h"

// run_gallery runs a case of galleries, step by step; a step that fails does not end it.
Lines run_gallery(siamese::Client& client, Pictures& pictures, const nlohmann::json& one);
