// SPDX-License-Identifier: Apache-2.0
#include "arrow_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>

// The three structs are the interface: their layout is fixed, their names are not.
extern "C" {
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};
struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};
}

namespace lamella::python {

namespace {

constexpr int64_t kNullable = 2;

// What a schema or an array owns. Children may be taken away and released later than their parent,
// so each has a node of its own.
template <typename Struct>
struct Node {
  std::string format, name, metadata;
  std::array<const void*, 2> buffers = {nullptr, nullptr};
  std::shared_ptr<const void> owner;
  std::vector<std::unique_ptr<Struct>> children;
  std::vector<Struct*> pointers;

  Struct* add_child() {
    children.push_back(std::make_unique<Struct>(Struct{}));
    pointers.push_back(children.back().get());
    return pointers.back();
  }
};

template <typename Struct>
void release(Struct* self) {
  auto* node = static_cast<Node<Struct>*>(self->private_data);
  for (Struct* child : node->pointers) {
    if (child->release) child->release(child);
  }
  self->release = nullptr;
  delete node;
}

// `out` shows what the node holds by now.
template <typename Struct>
void attach(std::unique_ptr<Node<Struct>> node, Struct* out) {
  out->n_children = static_cast<int64_t>(node->pointers.size());
  out->children = node->pointers.data();
  out->dictionary = nullptr;
  out->release = release<Struct>;
  out->private_data = node.release();
}

void make_schema(const std::string& format, const std::string& name, const std::string& metadata,
                 std::unique_ptr<Node<ArrowSchema>> node, ArrowSchema* out) {
  node->format = format;
  node->name = name;
  node->metadata = metadata;
  out->format = node->format.c_str();
  out->name = node->name.c_str();
  out->metadata = metadata.empty() ? nullptr : node->metadata.data();
  out->flags = kNullable;  // as tables from elsewhere are: they may be joined
  attach(std::move(node), out);
}

void make_array(int64_t length, const void* values, std::shared_ptr<const void> owner,
                std::unique_ptr<Node<ArrowArray>> node, ArrowArray* out) {
  node->buffers = {nullptr, values};  // all are valid; values
  node->owner = std::move(owner);
  out->length = length;
  out->null_count = 0;
  out->offset = 0;
  out->n_buffers = values ? 2 : 1;  // lists and structs of children have no values
  out->buffers = node->buffers.data();
  attach(std::move(node), out);
}

void column_schema(const ArrowColumn& column, ArrowSchema* out) {
  auto node = std::make_unique<Node<ArrowSchema>>();
  if (column.list_size == 0) {
    make_schema(column.format, column.name, "", std::move(node), out);
    return;
  }
  make_schema(column.format, "item", "", std::make_unique<Node<ArrowSchema>>(), node->add_child());
  make_schema("+w:" + std::to_string(column.list_size), column.name, "", std::move(node), out);
}

void column_array(const ArrowColumn& column, int64_t rows, ArrowArray* out) {
  static constexpr int64_t kNothing = 0;
  const void* values = column.values ? column.values : &kNothing;
  auto node = std::make_unique<Node<ArrowArray>>();
  if (column.list_size == 0) {
    make_array(rows, values, column.owner, std::move(node), out);
    return;
  }
  make_array(rows * column.list_size, values, column.owner, std::make_unique<Node<ArrowArray>>(),
             node->add_child());
  make_array(rows, nullptr, nullptr, std::move(node), out);
}

struct Table {
  int64_t rows = 0;
  std::vector<ArrowColumn> columns;
  std::string metadata;
  bool delivered = false;
};

Table& table_of(ArrowArrayStream* stream) { return *static_cast<Table*>(stream->private_data); }

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  try {
    const Table& table = table_of(stream);
    auto node = std::make_unique<Node<ArrowSchema>>();
    for (const ArrowColumn& column : table.columns) column_schema(column, node->add_child());
    make_schema("+s", "", table.metadata, std::move(node), out);
    return 0;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  try {
    Table& table = table_of(stream);
    *out = {};  // the end
    if (table.delivered) return 0;
    auto node = std::make_unique<Node<ArrowArray>>();
    for (const ArrowColumn& column : table.columns) {
      column_array(column, table.rows, node->add_child());
    }
    make_array(table.rows, nullptr, nullptr, std::move(node), out);
    table.delivered = true;
    return 0;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

void release_stream(ArrowArrayStream* stream) {
  delete &table_of(stream);
  stream->release = nullptr;
}

// Counts and lengths as int32 before the bytes they count.
std::string encoded(const std::map<std::string, std::string>& metadata) {
  std::string bytes;
  const auto add_count = [&](size_t count) {
    const auto number = static_cast<int32_t>(count);
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  add_count(metadata.size());
  for (const auto& [key, value] : metadata) {
    for (const std::string& text : {key, value}) {
      add_count(text.size());
      bytes += text;
    }
  }
  return bytes;
}

}  // namespace

std::shared_ptr<const void> keep_alive(nb::handle object) {
  PyObject* kept = object.inc_ref().ptr();
  return {kept, [](PyObject* p) {
            const nb::gil_scoped_acquire lock;
            nb::handle(p).dec_ref();
          }};
}

nb::capsule arrow_stream(int64_t rows, std::vector<ArrowColumn> columns,
                         const std::map<std::string, std::string>& metadata) {
  auto table = std::make_unique<Table>(
      Table{.rows = rows, .columns = std::move(columns), .metadata = encoded(metadata)});
  auto stream = std::make_unique<ArrowArrayStream>();
  stream->get_schema = get_schema;
  stream->get_next = get_next;
  stream->get_last_error = [](ArrowArrayStream*) -> const char* { return nullptr; };
  stream->release = release_stream;
  stream->private_data = table.release();
  return nb::capsule(stream.release(), "arrow_array_stream", [](void* p) noexcept {
    auto* unread = static_cast<ArrowArrayStream*>(p);
    if (unread->release) unread->release(unread);
    delete unread;
  });
}

}  // namespace lamella::python
