"""The stations of the road, one public function a file; each is called with ids of rows."""
