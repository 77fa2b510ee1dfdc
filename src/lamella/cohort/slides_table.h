// SPDX-License-Identifier: Apache-2.0
// The table of the slides of a cohort.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/io/text_file.h"
#include "lamella/slide/slide.h"
#include "lamella/tissue/tissue.h"

namespace lamella::cohort {

enum class Role { kTrain, kTest, kScore };
std::string_view to_string(Role role);

struct SlideEntry {
  std::string slide_id;
  std::string path;        // resolved against the table's folder
  std::string patient_id;  // the slide id where the table gives none (role score only)
  Role role = Role::kScore;
  std::string site;                      // where it was scanned, "" if the table does not say
  std::string slide_label;               // class of the slide as a whole, "" if not known
  std::string annotations;               // path of the annotations, "" if none
  std::optional<double> mpp;             // µm/px at level 0, wins over the file's
  std::string image;                     // number or name, where the file holds several; else ""
  std::string mask = "auto";             // "auto", "none" or the path of a mask
  std::map<std::string, double> tissue;  // keys of [tissue] that this slide has its own values of
  std::string fetch_to;                  // the study's: slide::OpenOptions::fetch_to
  int line = 0;
};

// A table with a header: slide_id,path,patient_id,role[,annotations][,mpp][,image][,mask][,site]
// [,slide_label], and
// tissue.KEY for keys of [tissue] that are numbers (empty: the study's); columns in any order
// and among others (left out, and noted), parted by commas, semicolons or tabs. Error kFormat
// (file, line, column, found, expected): a column or role that may be a slip, a field missing, a
// number that is none, an mpp that no microscope has. Error kMismatch: a slide id twice; a patient
// in both train and test (named). Error kInvalidArgument: no slides.
std::vector<SlideEntry> read_slides_table(const std::string& path, io::Notes notes = nullptr);

// How this slide is opened.
slide::OpenOptions open_options(const SlideEntry& entry);

// The options of this slide's mask: the study's, and the row's own in their place. Error
// kInvalidArgument: a value outside its bounds.
tissue::TissueOptions tissue_of(const SlideEntry& entry, tissue::TissueOptions options);

}  // namespace lamella::cohort
