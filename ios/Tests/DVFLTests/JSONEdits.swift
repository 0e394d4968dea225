import Foundation

/// Where a value lies in parsed JSON: names of fields and positions in arrays.
typealias JSONPath = [String]

/// Every field at any depth; the fields of an array's objects count for each of them.
func paths(in json: Any, at path: JSONPath = []) -> [JSONPath] {
  if let object = json as? [String: Any] {
    return object.keys.sorted().flatMap { key in
      [path + [key]] + paths(in: object[key] ?? 0, at: path + [key])
    }
  }
  guard let array = json as? [Any] else { return [] }
  return array.enumerated().flatMap { index, item in
    let here = path + [String(index)]
    return (item is [String: Any] ? [] : [here]) + paths(in: item, at: here)
  }
}

/// What lies at a path.
func value(in json: Any, at path: JSONPath) -> Any? {
  path.reduce(json as Any?) { part, step in
    if let object = part as? [String: Any] { return object[step] }
    return (part as? [Any]).flatMap { array in Int(step).map { array[$0] } }
  }
}

/// The same JSON with another value at a path; nil takes it away.
func changed(_ json: Any, at path: JSONPath, to value: Any?) -> Any {
  guard let step = path.first else { return value ?? NSNull() }
  let rest = Array(path.dropFirst())
  if var object = json as? [String: Any] {
    let old = object[step] ?? NSNull()
    object[step] = rest.isEmpty ? value : changed(old, at: rest, to: value)
    return object
  }
  guard var array = json as? [Any], let index = Int(step), array.indices.contains(index) else { return json }
  if rest.isEmpty, value == nil {
    array.remove(at: index)
  } else {
    array[index] = changed(array[index], at: rest, to: value)
  }
  return array
}
